import assert from 'node:assert/strict'
import { compile } from './support'

/** The warnings about one line of a rule. */
function warned(line: string): string[] {
  const { diagnostics } = compile(`[r]\n${line}\naction = drop`)
  assert.ok(diagnostics.every(({ severity }) => severity === 'warning'))
  return diagnostics.map(({ message }) => message)
}

const raw = String.raw

describe('a pattern that holds never, or always', () => {
  const suspect: Record<string, [line: string, words: RegExp][]> = {
    'a measure without a comparison': [
      ['size = 20mb', /^size = 20mb holds only for exactly 20mb; write > 20mb or >= 20mb$/],
      ['attachment.size = 1.5mb, > 20mb', /holds only for exactly 1\.5mb/],
      ['age = 12h', /holds only for exactly 12h/],
      ['not.size = 1gb', /holds only for exactly 1gb/],
    ],
    'a number out of reach': [
      ['attachment.count = < 0', /"< 0" never holds: attachment\.count is at least 0/],
      ['recipients = < 1', /never holds: recipients is at least 1/],
      ['recipients = 0', /never holds/],
      ['attachment.count = >= 0', /always holds/],
      ['recipients = > 0', /always holds/],
      ['size = > 50mb', /"> 50mb" never holds: SES accepts 40 MB/],
      ['attachment.size = >= 1gb', /never holds/],
      ['client.ip = 0.0.0.0/0', /holds for any address/],
      ['not.relay.ip = ::/0', /holds for any address/],
    ],
    'a pattern with a star in quotes': [
      ['subject = "*Dear friend, *"', /stands for itself, with its \*; without quotes write \\, for a comma/],
      ['body = "*gift*"', /stands for itself/],
    ],
    'a text at one end of a body': [
      ['body = *gift card', /only at the end of the text; write \*gift card\*/],
      ['body = gift card*', /only at the beginning of the text/],
    ],
    'an end that no name has': [
      ['attachment.name = *.exe.', /no blank, dot or slash at their end/],
      ['attachment.archive = docs/', /no blank, dot or slash at their end/],
    ],
    'what is no media type': [
      ['attachment.type = *.pdf', /isn't a media type/],
      [raw`attachment.type = text/html\; charset=utf-8`, /isn't a media type/],
    ],
    'what is no region': [['region = us-east', /isn't a region, as eu-west-1 is/]],
    'an encoded word': [
      ['subject = *=?utf-8?*', /encoded words are decoded/],
      ['header.X-Name = =?utf-8?q?x?=', /encoded words are decoded/],
      [raw`subject = /=\?koi8-r\?b/`, /encoded words are decoded/],
    ],
    'a text that would have to be all of a body': [
      ['body = gift card', /"gift card" would have to be all of the text; write \*gift card\*/],
      ['body = "gift card"', /would have to be all of the text/],
      ['not.body = unsubscribe', /would have to be all of the text/],
    ],
    'the ending of a file as its whole name': [
      ['attachment.name = .exe', /"\.exe" would have to be the whole name of a file; write \*\.exe/],
      ['attachment.name = *.js, exe', /write \*\.exe/],
      ['attachment.archive = js', /write \*\.js/],
      ['attachment.type = pdf', /isn't a media type/],
    ],
    'a domain one letter from one of ours': [
      ['recipient = @exampel.com', /"exampel\.com" isn't a domain of yours; did you mean "example\.com"\?/],
      ['recipient = anna@example.co', /did you mean "example\.com"/],
      ['not.recipient = anna@exmple.com', /did you mean "example\.com"/],
      ['to = @examplee.com', /did you mean "example\.com"/],
    ],
    'an expression that holds for any value': [
      ['subject = /.*/', /holds for any value; to say so, write \*/],
      ['subject = /sale|/', /holds for any value/],
      ['body = /(?:gift)?/', /holds for any value/],
    ],
    'an expression with its ends in the middle': [
      ['subject = /sale^/', /may never hold: \^ is the beginning/],
      ['subject = /$sale/', /may never hold/],
      ['sender = /anna @example/', /an address has no blanks/],
    ],
    'what content never holds': [
      [raw`body = /gift\r\ncard/`, /lines end with \\n alone/],
      [raw`body = /gi\x{200b}ft/`, /invisible characters are left out/],
      ['body = *<script>*', /without its tags/],
      [raw`body = /<a href="http/`, /without its tags/],
      [raw`body = /\bÜber/`, /knows only ASCII letters/],
    ],
  }
  for (const [what, lines] of Object.entries(suspect)) {
    it(`is warned of: ${what}`, () => {
      for (const [line, words] of lines) {
        const messages = warned(line)
        assert.equal(messages.length, 1, `${line}: ${messages.join(' / ')}`)
        assert.match(messages[0] ?? '', words)
      }
    })
  }

  it('is not suspected where it means what it says', () => {
    for (const line of [
      'size = > 20mb, 1mb..5mb',
      'size = = 20mb',
      'attachment.count = 0',
      'attachment.count = > 0',
      'recipients = 1',
      'body = *gift card*, /gift\\s+card/',
      'not.body = *',
      'attachment.name = *.exe, winmail.dat, README',
      'attachment.type = application/pdf, image/*, *pdf*, *+xml',
      'region = eu-west-1, us-*, us-gov-west-1',
      'size = > 40mb',
      'client.ip = 10.0.0.0/8, ::1',
      'body = *gift*card*, gift?*',
      'subject = *a=b?c*, /a=\\?b/',
      'attachment.archive = */run.exe',
      'sender = @exampel.com',
      'from = @examp1e.com',
      'recipient = @example.com, @other.example, <>, *@example.com',
      'subject = /^sale$/, /^(?:re|fw): /, /cost: \\$5/, /[$^]x/, /(?m)x$\\n^y/, /a$|^b/',
      'subject = invoice',
      raw`body = /a\r?\nb/, /5 < 6/, /\[https?:/`,
      'header.X-Spam = yes',
    ])
      assert.deepEqual(warned(line), [], line)
  })

  it('is warned of in lists, too, once for each line that names one', () => {
    const messages = (line: string, list: string) =>
      compile(`[r]\n${line}\naction = drop`, { lists: { mine: list } }).diagnostics.map(one => one.message)
    assert.deepEqual(messages('body = file:mine', '*gift*\nwire transfer\n'), [
      'a list of body has patterns that would have to be all of the text; write *...* to find them anywhere',
    ])
    assert.deepEqual(messages('body = file:mine', '*gift*\n/wire/\n'), [])
    assert.deepEqual(messages('not.recipient = file:mine', 'a@example.com\nb@exampel.com\n'), [
      '"exampel.com" isn\'t a domain of yours; did you mean "example.com"?',
    ])
  })

  it('is one that another condition of its rule excludes, too', () => {
    const never = (key: string) => [`the rule never holds: not.${key} excludes all that ${key} names`]
    for (const [key, wanted, excluded] of [
      ['recipient', 'anna@example.com', 'ANNA@example.com, bob@example.com'],
      ['sender', 'anna@a.example, bob@a.example', '@a.example'],
      ['subject', '*sale*, /win/', '*sale*, /win/'],
      ['header.X-Spam', 'yes', '*'],
      ['sender', 'file:mine', 'file:mine'],
    ] as const) {
      const text = `[r]\n${key} = ${wanted}\nnot.${key} = ${excluded}\naction = drop`
      const { diagnostics } = compile(text, { lists: { mine: 'a@b.example\n' } })
      assert.deepEqual(
        diagnostics.map(one => one.message),
        never(key),
        text,
      )
    }
    for (const lines of [
      'recipient = @example.com\nnot.recipient = anna@example.com',
      'subject = *sale*\nnot.subject = *sales*',
      'header.X-A = yes\nnot.header.X-B = yes',
      'subject = /Sale/c\nnot.subject = /sale/c',
    ])
      assert.deepEqual(compile(`[r]\n${lines}\naction = drop`).diagnostics, [], lines)
  })

  it('is a bounce without any condition, too', () => {
    const rules = (action: string) => compile(`[r]\naction = ${action}`).diagnostics.map(one => one.message)
    assert.deepEqual(rules('bounce'), [
      'this rule has no condition: it bounces all mail that no rule above it decides',
    ])
    assert.deepEqual(rules('bounce\nmode = observe'), [])
    assert.deepEqual(rules('accept'), [])
  })
})

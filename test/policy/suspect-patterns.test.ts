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
      'attachment.type = application/pdf, image/*',
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

  it('is a bounce without any condition, too', () => {
    const rules = (action: string) => compile(`[r]\naction = ${action}`).diagnostics.map(one => one.message)
    assert.deepEqual(rules('bounce'), [
      'this rule has no condition: it bounces all mail that no rule above it decides',
    ])
    assert.deepEqual(rules('bounce\nmode = observe'), [])
    assert.deepEqual(rules('accept'), [])
  })
})

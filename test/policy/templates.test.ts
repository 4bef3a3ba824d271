import assert from 'node:assert/strict'
import fc from 'fast-check'
import { bounceSender } from '../../src/policy/bounce'
import {
  ADDRESS_NAMES,
  fill,
  ownCharacters,
  parseTemplate,
  TEXT_NAMES,
  valuesOf,
} from '../../src/policy/templates'
import { cpuMs } from '../cpu-time'
import { mail } from './support'

function filled(text: string, values: Record<string, string> = {}, limit = 500): string {
  const { template, faults } = parseTemplate(text)
  assert.deepEqual(faults, [])
  return fill(template, name => values[name] ?? '', limit)
}

describe('templates', () => {
  it('fill in the values of the mail', () => {
    const facts = mail({
      sender: '',
      sizeBytes: 2048,
      headers: { subject: ['Grüße\r\nBcc: x@y.example'], 'message-id': ['<1@x.example>'] },
    })
    const [recipient] = facts.recipients
    assert(recipient)
    const { template } = parseTemplate(TEXT_NAMES.map(name => `${name}={${name}}`).join(' '))
    assert.equal(
      fill(template, valuesOf(facts, recipient, 'rule 1', 'a\tb.exe'), 500),
      'recipient=nobody@example.com sender=<> subject=Gr??e Bcc: x@y.example rule=rule 1 size=2.0 kB attachment=a b.exe ' +
        'message-id=<1@x.example> ses-id=7k822gft4kqtq4dgji1sqdhnqgqnj9bsv76lqoo1',
    )
  })

  it('give each value 128 characters, and the whole its limit', () => {
    assert.equal(filled('{subject}!', { subject: 'x'.repeat(1000) }), `${'x'.repeat(128)}!`)
    assert.equal(filled('{subject} {subject}', { subject: 'x'.repeat(1000) }, 200).length, 200)
  })

  it('take the same time for a value of 900 KB as for a short one', () => {
    const { template } = parseTemplate('{subject}')
    const subject = 'é '.repeat(450_000)
    const tookMs = cpuMs(100, () => {
      for (let recipient = 0; recipient < 100; recipient++) fill(template, () => subject, 500)
    })
    assert.ok(tookMs < 100, `${tookMs} ms for 100 recipients`)
  })

  it('do not fill in what was filled in', () => {
    assert.equal(filled('{subject}', { subject: '{sender}', sender: 'x' }), '{sender}')
  })

  it('name what there is not, and what was probably meant', () => {
    const valid = '; valid are {recipient}, {recipient.domain}, {sender.domain}'
    assert.deepEqual(parseTemplate('{sendr.domain} {} {__proto__} {', ADDRESS_NAMES).faults, [
      'there is no name "{sendr.domain}"; did you mean "{sender.domain}"?',
      `there is no name "{}"${valid}`,
      `there is no name "{__proto__}"${valid}`,
    ])
  })

  it('come out as one line of printable ASCII within the limit, whatever they are and whatever is filled in', () => {
    const limits = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 500 }))
    fc.assert(
      fc.property(ANY_TEMPLATE, ANY_VALUES, limits, (text, values, limit) => {
        const { template } = parseTemplate(text)
        const made = fill(template, name => values[name] ?? '', limit)
        assert.match(made, /^(?:[!-~](?:[ -~]*[!-~])?)?$/)
        assert(made.length <= limit)
      }),
      { numRuns: 2000 },
    )
  })

  it('have each value in its place, as far as it goes', () => {
    const literal = fc.oneof(NASTY, fc.string({ unit: 'binary' })).map(text => text.replace(/[{}]/g, ''))
    const named = fc.tuple(fc.constantFrom(...TEXT_NAMES), literal)
    fc.assert(
      fc.property(literal, fc.array(named, { maxLength: 5 }), ANY_VALUES, (start, parts, values) => {
        const text = start + parts.map(([name, behind]) => `{${name}}${behind}`).join('')
        const { template, faults } = parseTemplate(text)
        assert.deepEqual(faults, [])
        const expected = parts.map(
          ([name, behind]) => plain(values[name] ?? '').slice(0, 128) + plain(behind),
        )
        assert.equal(
          fill(template, name => values[name] ?? '', Number.POSITIVE_INFINITY),
          (plain(start) + expected.join('')).trim(),
        )
      }),
      { numRuns: 1000 },
    )
  })

  it('for a bounce sender give an address that SES accepts, or none, with any value filled in', () => {
    let made = 0
    fc.assert(
      fc.property(
        ANY_TEMPLATE,
        ANY_VALUES,
        fc.constantFrom('', '@{recipient.domain}', 'x@'),
        (text, values, end) => {
          const { template } = parseTemplate(text + end, ADDRESS_NAMES)
          const sender = bounceSender(template, name => values[name] ?? 'a.example')
          if (sender === undefined) return
          made++
          assert.match(sender, /^[!-~]+@[a-z\d._-]+$/i)
          assert(sender.length <= 254 && !/[\s"<>,;:[\]]/.test(sender), sender)
        },
      ),
      { numRuns: 2000 },
    )
    assert.ok(made > 20, `${made} made`)
  })

  it('count their own characters', () => {
    assert.equal(ownCharacters(parseTemplate('ab {subject} c').template), 5)
  })
})

const NASTY = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.constantFrom(
    '\r\nBcc: x@y.example',
    '\u001b[2J',
    '\u2028',
    '\u0085',
    '{sender}',
    'é'.repeat(500),
    ' ',
    '\ud800',
    '<>',
  ),
)
const ANY_TEMPLATE = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...[...TEXT_NAMES, ...ADDRESS_NAMES].map(name => `{${name}}`),
        '{',
        '}',
        '{}',
        '{x}',
        '{{subject}}',
        ' ',
        'a@',
      ),
      fc.string({ unit: 'binary', maxLength: 20 }),
      NASTY,
    ),
    { maxLength: 8 },
  )
  .map(parts => parts.join(''))
const ANY_VALUES: fc.Arbitrary<Record<string, string>> = fc.dictionary(
  fc.constantFrom(...TEXT_NAMES, ...ADDRESS_NAMES),
  fc.oneof(NASTY, fc.constantFrom('a@a.example', 'a.example', 'x')),
)

/** Character by character: white space is a blank, once; what else isn't printable ASCII is a question mark. */
function plain(text: string): string {
  let made = ''
  let isBlank = false
  for (const character of text) {
    if (character.trim() === '') {
      if (!isBlank) made += ' '
      isBlank = true
      continue
    }
    isBlank = false
    made += character >= ' ' && character <= '~' ? character : '?'
  }
  return made
}

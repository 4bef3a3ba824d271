import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  ADDRESS_NAMES,
  fill,
  ownCharacters,
  parseTemplate,
  TEXT_NAMES,
  valuesOf,
} from '../../src/policy/templates'
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

  it('do not fill in what was filled in', () => {
    assert.equal(filled('{subject}', { subject: '{sender}', sender: 'x' }), '{sender}')
  })

  it('name what there is not, and what was probably meant', () => {
    const valid = '; valid are {recipient}, {recipient.domain}, {sender.domain}'
    assert.deepEqual(parseTemplate('{sendr.domain} {} {__proto__} {', ADDRESS_NAMES).faults, [
      'there is nothing to fill in for "{sendr.domain}"; did you mean "{sender.domain}"?',
      `there is nothing to fill in for "{}"${valid}`,
      `there is nothing to fill in for "{__proto__}"${valid}`,
    ])
  })

  it('come out as one line of printable ASCII within the limit, whatever is filled in', () => {
    const anything = fc.string({ unit: 'binary', maxLength: 300 })
    const literal = anything.map(text => text.replace(/[{}]/g, ''))
    fc.assert(
      fc.property(
        literal,
        anything,
        literal,
        fc.integer({ min: 1, max: 500 }),
        (before, value, after, limit) => {
          const text = filled(`${before}{subject}${after}`, { subject: value }, limit)
          assert.match(text, /^(?:[!-~](?:[ -~]*[!-~])?)?$/)
          assert(text.length <= limit)
        },
      ),
      { numRuns: 1000 },
    )
  })

  it('count their own characters', () => {
    assert.equal(ownCharacters(parseTemplate('ab {subject} c').template), 5)
  })
})

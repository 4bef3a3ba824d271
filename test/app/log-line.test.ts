import assert from 'node:assert/strict'
import fc from 'fast-check'
import { decisionLine, logLine } from '../../src/app/log-line'
import type { Decision } from '../../src/policy/decision'

describe('logLine', () => {
  it('writes key=value, and leaves out undefined values', () => {
    assert.equal(
      logLine({ rule: 'unknown-mailbox', tries: 3, observed: false, job: undefined, to: 'a+b@c.example' }),
      'rule=unknown-mailbox tries=3 observed=false to=a+b@c.example',
    )
  })

  it('quotes a value that could look like several', () => {
    assert.equal(
      logLine({ a: 'two words', b: '', c: 'action=accept', d: 'x" action="accept' }),
      'a="two words" b="" c="action=accept" d="x\\" action=\\"accept"',
    )
  })

  it('escapes line ends, terminal controls and everything that is not ASCII', () => {
    assert.equal(
      logLine({ sender: 'a\r\nb\u001b[31m\u0000\u007f\u0085\u2028é😀' }),
      'sender="a\\u000d\\u000ab\\u001b[31m\\u0000\\u007f\\u0085\\u2028\\u00e9\\ud83d\\ude00"',
    )
  })

  it('cuts a value that has no end', () => {
    assert.equal(logLine({ sender: 'x'.repeat(257) }), `sender=${'x'.repeat(256)}...`)
    assert.equal(logLine({ sender: 'x'.repeat(256) }), `sender=${'x'.repeat(256)}`)
    assert.ok(logLine({ sender: '\0'.repeat(100_000) }).length < 2000)
  })

  it('is one line of printable ASCII whose values read back, whatever a mail puts into it', () => {
    const hostile = fc.constantFrom('"', '\\', ' ', '=', '\r\n', '\u001b[2J', '\u202e', '\ud800', 'rule=x')
    const unit = fc.nat(0xffff).map(code => String.fromCharCode(code))
    const anyText = fc.array(unit, { maxLength: 8 }).map(units => units.join(''))
    const value = fc
      .array(fc.oneof(hostile, anyText), { maxLength: 6 })
      .map(parts => parts.join('').slice(0, 250))
    fc.assert(
      fc.property(value, value, (rule, sender) => {
        const line = logLine({ rule, sender })
        assert.match(line, /^[ -~]*$/)
        assert.deepEqual(readBack(line), { rule, sender })
      }),
      { numRuns: 200 },
    )
  })
})

describe('decisionLine', () => {
  const address = 'nobody@yours.example'
  const bounced: Decision = {
    recipient: { envelope: { address, notifyNever: false }, address, source: 'for' },
    rule: 'unknown-mailbox',
    wanted: 'bounce',
    action: 'bounce',
    deliver: false,
    observed: [],
  }
  const more = { sesId: '7k822gft4kqt', sender: 'joe@origin.example', observed: false }

  it('shows rule, action, recipient, sender, id and job', () => {
    assert.equal(
      decisionLine(bounced, { ...more, job: { jobId: 'j1', outcome: 'added' } }),
      'rule=unknown-mailbox action=bounce recipient=nobody@yours.example sender=joe@origin.example ' +
        'ses_id=7k822gft4kqt job=j1 bounce=added',
    )
  })

  it('shows the action that the rule wanted and the reason against it, if another one was taken', () => {
    const fallback = { reason: 'unsafe', detail: 'null sender' } as const
    const line = decisionLine({ ...bounced, action: 'quarantine', fallback }, { ...more, sender: '' })
    assert.match(
      line,
      / action=quarantine .* sender="" .* wanted=bounce because=unsafe detail="null sender"$/,
    )
  })

  it('shows that the whole plugin only observes', () => {
    assert.match(decisionLine(bounced, { ...more, observed: true }), / mode=observe$/)
    assert.doesNotMatch(decisionLine(bounced, more), /observe/)
  })
})

/** The values that a reader of the log finds in a line: bare words and JSON strings. */
function readBack(line: string): Record<string, string> {
  const values: Record<string, string> = {}
  let rest = line
  while (rest !== '') {
    const [whole, key, value] = /^([a-z_]+)=("(?:[^"\\]|\\.)*"|[^" ]+)(?: |$)/.exec(rest) ?? []
    assert.ok(whole && key && value, `can't be read from here: ${rest}`)
    values[key] = value.startsWith('"') ? (JSON.parse(value) as string) : value
    rest = rest.slice(whole.length)
  }
  return values
}

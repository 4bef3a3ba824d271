import assert from 'node:assert/strict'
import { formatRecord, parseRecord, senderOf } from '../../src/quarantine/record'

const OLD = {
  quarantinedAt: '2025-02-20T13:00:00.000Z',
  envelope: { sender: 'joe@origin.example', recipients: ['a@yours.example'], relayIp: '192.0.2.1' },
  held: [{ recipient: 'a@yours.example', rule: 'programs', reason: 'by the rule' }],
  receipt: null,
}

describe("a quarantined mail's record", () => {
  it('of an earlier version, without sender and jobs, is still read', () => {
    assert.deepEqual(parseRecord(JSON.stringify(OLD)), OLD)
    assert.equal(senderOf(OLD), 'joe@origin.example')
  })

  it('is read as it was written', () => {
    const held = [{ recipient: 'a@yours.example', rule: 'programs', reason: 'failed', job: 'mwtd1' }]
    const record = { ...OLD, sender: 'ann@origin.example', held }
    const text = formatRecord(record)
    assert.deepEqual(parseRecord(text), record)
    assert.match(text, /"quarantined_at": [^]*"relay_ip": /)
    assert.equal(senderOf(record), 'ann@origin.example')
  })

  it('with a field of another kind is none', () => {
    const faulty = [
      '',
      'null',
      '{}',
      JSON.stringify({ ...OLD, sender: 1 }),
      JSON.stringify({ ...OLD, held: [{ ...OLD.held[0], job: 1 }] }),
      JSON.stringify({ ...OLD, quarantinedAt: 'yesterday' }),
    ]
    for (const text of faulty) assert.equal(parseRecord(text), undefined, text)
  })
})

import assert from 'node:assert/strict'
import { UnclosedRelays } from '../../src/haraka/unclosed-relays'
import { NOT_CLOSED } from '../../src/mail/ses-block'
import { receipt } from '../policy/support'

const HOUR_MS = 3_600_000
const CLOSED = receipt('joe@origin.example')
const UNCLOSED = { ...CLOSED, authentication: { dkimDomains: [], flaw: NOT_CLOSED } }

describe("A relay most of whose mail comes without the end of SES's results", () => {
  it('is warned of once an hour, by its address', () => {
    const relays = new UnclosedRelays()
    const note = (nowMs: number) => relays.note('192.0.2.1', UNCLOSED, nowMs)
    assert.deepEqual([note(0), note(1)], [undefined, undefined])
    assert.match(note(2) ?? '', /^most mail of the relay 192\.0\.2\.1 .*aren't closed by X-SES-RECEIPT/)
    assert.deepEqual([note(3), note(HOUR_MS - 1)], [undefined, undefined])
    assert.deepEqual([note(HOUR_MS), note(HOUR_MS)], [undefined, undefined])
    assert.ok(note(HOUR_MS))
  })

  it('is warned of while other relays are not', () => {
    const relays = new UnclosedRelays()
    const said = Array.from({ length: 10 }, (_, n) => [
      relays.note('192.0.2.1', n % 2 === 0 ? CLOSED : UNCLOSED, n),
      relays.note('192.0.2.2', n % 3 === 0 ? CLOSED : UNCLOSED, n),
      relays.note('192.0.2.3', undefined, n),
    ])
    assert.deepEqual(said.map(([half]) => half).filter(Boolean), [])
    assert.equal(said.filter(([, most]) => most !== undefined).length, 1)
    assert.deepEqual(said.map(([, , without]) => without).filter(Boolean), [])
  })

  it('is counted in bounded memory', () => {
    const relays = new UnclosedRelays()
    for (let n = 0; n < 1000; n++) relays.note(`10.0.${n >> 8}.${n & 255}`, UNCLOSED, 0)
    for (let n = 0; n < 5; n++) assert.equal(relays.note('192.0.2.9', UNCLOSED, 0), undefined)
    assert.equal(relays.note('192.0.2.9', UNCLOSED, HOUR_MS), undefined)
  })
})

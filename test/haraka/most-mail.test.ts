// Relays most of whose mail asks for no bounce.

import assert from 'node:assert/strict'
import { NeverRelays } from '../../src/haraka/never-relays'

const HOUR_MS = 3_600_000

describe('A relay that sends NOTIFY=NEVER with most mail', () => {
  it('is warned of once an hour, by its address', () => {
    const relays = new NeverRelays()
    const note = (nowMs: number) => relays.note('192.0.2.1', true, nowMs)
    assert.deepEqual([note(0), note(1)], [undefined, undefined])
    assert.match(note(2) ?? '', /^most mail of the relay 192\.0\.2\.1 comes with NOTIFY=NEVER/)
    assert.deepEqual([note(3), note(HOUR_MS - 1), note(HOUR_MS), note(HOUR_MS)], Array(4).fill(undefined))
    assert.ok(note(HOUR_MS))
  })

  it('is not warned of for the few mails whose senders ask for no bounce', () => {
    const relays = new NeverRelays()
    for (let n = 0; n < 20; n++) assert.equal(relays.note('192.0.2.1', n % 2 === 1, n), undefined)
  })
})

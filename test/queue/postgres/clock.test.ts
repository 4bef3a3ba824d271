// The database's clock as a process sees it, with a monotonic clock of the test's own.

import assert from 'node:assert/strict'
import { EngineClock } from '../../../src/queue/postgres/clock'

const HOST_AHEAD_MS = 3_600_000

describe("the database's clock", () => {
  let monoMs = 0
  /** The time by which the database's clock is ahead. */
  let aheadMs = 1_000_000
  let clock: EngineClock
  beforeEach(() => {
    monoMs = 0
    aheadMs = 1_000_000
    clock = new EngineClock(
      () => monoMs,
      () => monoMs + 1_000_000 + HOST_AHEAD_MS,
    )
  })

  /** `there`: the time of the way to the database. */
  function ask(there: number, back: number): void {
    const sentMs = monoMs
    monoMs += there
    const serverMs = monoMs + aheadMs
    monoMs += back
    clock.answered(sentMs, serverMs)
  }

  const errorMs = () => clock.nowMs() - (monoMs + aheadMs)

  it("is the host's until there is an answer, and the database's from then on", () => {
    assert.deepEqual([clock.isKnown, clock.skewMs()], [false, undefined])
    assert.equal(errorMs(), HOST_AHEAD_MS)
    ask(1, 1)
    assert.deepEqual([clock.isKnown, errorMs()], [true, 0])
    assert.equal(clock.skewMs(), HOST_AHEAD_MS)
  })

  it('is that of the fastest answer of the last minute', () => {
    ask(1, 1)
    for (let second = 0; second < 50; second++) {
      monoMs += 1000
      ask(1, 90)
      assert.equal(errorMs(), 0)
    }
    monoMs += 20_000
    ask(1, 31)
    assert.equal(errorMs(), -15)
  })

  it('is a new one when no offset fits, as the clock of one of both was set or stood still', () => {
    ask(1, 1)
    aheadMs += 5000
    ask(10, 20)
    assert.equal(errorMs(), -5)
    aheadMs -= 60_000
    ask(3, 3)
    assert.equal(errorMs(), 0)
  })

  it('is learned anew after it was found wrong', () => {
    ask(1, 1)
    aheadMs += 3000
    clock.forget()
    assert.equal(clock.isKnown, false)
    // the host's would be an hour off
    assert.equal(errorMs(), -3000)
    ask(1, 1)
    assert.equal(errorMs(), 0)
  })
})

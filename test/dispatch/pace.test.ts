import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Pace } from '../../src/dispatch/pace'
import { Throughput } from '../../src/dispatch/throughput'

const SECOND_MS = 1000

describe('the pace of a region', () => {
  it('is the interval until SES throttles, and the interval again after answers enough', () => {
    const pace = new Pace()
    assert.equal(pace.intervalMs(SECOND_MS), SECOND_MS)
    pace.throttled(SECOND_MS)
    assert.equal(pace.intervalMs(SECOND_MS), 1500)
    pace.throttled(SECOND_MS)
    assert.equal(pace.intervalMs(SECOND_MS), 2250)
    pace.taken()
    assert.equal(pace.intervalMs(SECOND_MS), 2000)
    for (let n = 0; n < 30; n++) pace.taken()
    assert.equal(pace.slowdown, 1)
  })

  it('is never below the interval, nor above half a minute, whatever SES says', () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean()),
        fc.integer({ min: 1, max: 60_000 }),
        fc.double({ min: 0, max: 100, noNaN: true }),
        (answers, leastMs, left) => {
          const pace = new Pace(left)
          for (const throttled of answers) {
            const before = pace.intervalMs(leastMs)
            if (throttled) pace.throttled(leastMs)
            else pace.taken()
            const intervalMs = pace.intervalMs(leastMs)
            assert.ok(intervalMs >= leastMs && intervalMs <= Math.max(leastMs, 30_000), `${intervalMs}`)
            // but for rounding
            assert.ok(throttled ? intervalMs >= before - 1e-6 : intervalMs <= before)
          }
        },
      ),
    )
  })

  it('adapts if SES accepts only one call in two seconds: few calls are throttled, and most of the allowed pace is used', () => {
    const pace = new Pace()
    let nowMs = 0
    let takenMs = Number.NEGATIVE_INFINITY
    let taken = 0
    let throttled = 0
    while (nowMs < 3_600_000) {
      if (nowMs - takenMs >= 2 * SECOND_MS) {
        takenMs = nowMs
        taken += 1
        pace.taken()
      } else {
        throttled += 1
        pace.throttled(SECOND_MS)
      }
      nowMs += pace.intervalMs(SECOND_MS)
    }
    assert.ok(taken > 1100, `${taken} of 1,800`)
    assert.ok(throttled < taken / 2, `${throttled} throttled, ${taken} taken`)
  })
})

describe('the duration of a job', () => {
  it('is as expected until it is known otherwise, and while it is about so', () => {
    const throughput = new Throughput()
    assert.equal(throughput.perJobMs(SECOND_MS), SECOND_MS)
    throughput.add(9000, false)
    assert.equal(throughput.perJobMs(SECOND_MS), SECOND_MS)
    const quick = new Throughput()
    for (let n = 0; n < 600; n++) quick.add(n % 2 === 0 ? 900 : 1080, true)
    assert.equal(quick.perJobMs(SECOND_MS), SECOND_MS)
  })

  it('is at least what it took, and not much more, where every other call is for nothing', () => {
    const throughput = new Throughput()
    for (let n = 0; n < 300; n++) throughput.add(SECOND_MS, n % 2 === 0)
    const takenMs = throughput.perJobMs(SECOND_MS)
    assert.ok(takenMs >= 2000 && takenMs <= 2500, `${takenMs}`)
  })

  it('is forgotten when it is over', () => {
    const throughput = new Throughput()
    for (let n = 0; n < 10; n++) throughput.add(30_000, false)
    assert.equal(throughput.perJobMs(SECOND_MS), 30_000)
    for (let n = 0; n < 600; n++) throughput.add(SECOND_MS, true)
    assert.equal(throughput.perJobMs(SECOND_MS), SECOND_MS)
  })

  it('does not count the time in which the process was frozen', () => {
    const throughput = new Throughput()
    for (let n = 0; n < 300; n++) throughput.add(SECOND_MS, true)
    throughput.add(86_400_000, true)
    assert.ok(throughput.perJobMs(SECOND_MS) < 2000)
  })
})

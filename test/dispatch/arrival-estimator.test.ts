import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ArrivalEstimator } from '../../src/dispatch/arrival-estimator'

/** A region's transit after calls with these latencies. */
function after(...latenciesMs: number[]): ArrivalEstimator {
  const transit = new ArrivalEstimator()
  for (const ms of latenciesMs) transit.seenAtLatest({ opened: false, reached: true, flushedMonoMs: 0 }, ms)
  return transit
}

function seen(transit: ArrivalEstimator, latencyMs: number): number {
  return transit.seenAtLatest({ opened: false, reached: true, flushedMonoMs: 1000 }, 1000 + latencyMs) - 1000
}

describe('when SES has seen a call at the latest', () => {
  it('is at its answer, while answers come at once', () => {
    assert.equal(seen(after(3, 4, 3), 5), 5)
  })

  it('is shortly after it left, where answers usually take long', () => {
    assert.equal(seen(after(300, 310, 305), 312), 25)
    assert.equal(seen(after(20, 480, 250, 90, 400), 450), 25)
  })

  it('is at its answer when that took unusually long: the call may have been held up', () => {
    assert.equal(seen(after(3, 4, 3), 90), 90)
    assert.equal(seen(after(300, 301, 300, 302, 299), 380), 380)
  })

  it('is at its answer while nothing is known of the usual', () => {
    assert.equal(seen(after(), 300), 300)
  })

  it('is at its answer when a connection had to be opened, or nothing is known of its way out', () => {
    assert.equal(after(300).seenAtLatest({ opened: true, reached: true, flushedMonoMs: 1000 }, 1300), 1300)
    assert.equal(after(300).seenAtLatest({ opened: false, reached: true }, 1300), 1300)
  })

  it('is never before it left, nor after its answer', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5000), { maxLength: 40 }), fc.nat(5000), (before, latencyMs) => {
        const ms = seen(after(...before), latencyMs)
        assert.ok(ms >= 0 && ms <= latencyMs)
      }),
    )
  })
})

// The deadlines of waiting jobs in memory, held against a plain list.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { DeadlineHistogram } from '../../src/queue/deadline-histogram'
import { slotOf } from '../../src/queue/forecast'
import { project } from '../../src/queue/stats'
import { HOUR_MS } from './support'

const NOW_MS = 1_700_000_000_000
const SPACINGS = fc.constantFrom(0, 20, 885, 1000, 1035.5, 40_000)
/** In whole seconds, as SES has it, or between; often the same; over a day. */
const deadlines = fc.oneof(
  fc.nat(20).map(seconds => NOW_MS + seconds * 1000),
  fc.nat(86_400).map(seconds => NOW_MS + seconds * 1000),
  fc.nat(24 * HOUR_MS).map(ms => NOW_MS + ms),
  // the ends of the blocks
  fc.nat(100).map(number => Math.ceil(NOW_MS / 900_000 + number) * 900_000),
)

describe('a deadline histogram', () => {
  it('agrees with a list of all jobs, whatever comes and goes', () => {
    fc.assert(
      fc.property(
        fc.array(deadlines, { maxLength: 60 }),
        fc.array(fc.record({ deadlineMs: deadlines, takes: fc.boolean(), which: fc.nat() }), {
          maxLength: 120,
        }),
        SPACINGS,
        SPACINGS,
        (first, changes, spacingMs, laterSpacingMs) => {
          let waiting = first.toSorted((a, b) => a - b)
          const histogram = new DeadlineHistogram(waiting)
          for (const { deadlineMs, takes, which } of changes) {
            if (takes && waiting.length > 0) {
              const [gone = 0] = waiting.splice(which % waiting.length, 1)
              assert.ok(histogram.remove(gone))
            } else {
              histogram.add(deadlineMs)
              waiting = [...waiting, deadlineMs].toSorted((a, b) => a - b)
            }
            // the least of a block is kept for one spacing, and for one state of it
            for (const spacing of [spacingMs, laterSpacingMs])
              assertSame(histogram.ahead(deadlineMs, spacing), plain(waiting, deadlineMs, spacing))
          }
          assert.deepEqual(histogram.deadlines(), waiting)
          const pace = { spacingMs, marginMs: 60_000 }
          for (const nowMs of [NOW_MS - 120_000, NOW_MS, NOW_MS + HOUR_MS])
            assert.deepEqual(histogram.projection(nowMs, pace), project(waiting, nowMs, pace))
          assert.deepEqual(histogram.buckets(4), plainHours(waiting))
        },
      ),
      { numRuns: 200 },
    )
  })

  it('removes no job that is not in it', () => {
    const histogram = new DeadlineHistogram([NOW_MS])
    assert.equal(histogram.remove(NOW_MS + 1), false)
    assert.equal(histogram.remove(NOW_MS + HOUR_MS), false)
    assert.ok(histogram.remove(NOW_MS))
    assert.equal(histogram.remove(NOW_MS), false)
    assert.deepEqual(histogram.deadlines(), [])
  })
})

function plainHours(waiting: readonly number[]) {
  const starts = [...new Set(waiting.map(one => one - (one % HOUR_MS)))]
  return starts.map(fromMs => ({
    fromMs,
    spanMs: HOUR_MS,
    jobs: waiting.filter(one => one - (one % HOUR_MS) === fromMs).length,
  }))
}

function plain(waiting: readonly number[], deadlineMs: number, spacingMs: number) {
  const before = waiting.filter(one => slotOf(one) <= slotOf(deadlineMs)).length
  const later = waiting.slice(before).map((one, index) => slotOf(one) - spacingMs * (before + index))
  return { jobs: before, laterMs: Math.min(Number.POSITIVE_INFINITY, ...later) }
}

/** Products of a spacing with a fraction may differ in the last digit. */
function assertSame(found: ReturnType<typeof plain>, expected: ReturnType<typeof plain>): void {
  assert.equal(found.jobs, expected.jobs)
  const isSame = found.laterMs === expected.laterMs || Math.abs(found.laterMs - expected.laterMs) < 0.01
  assert.ok(isSame, `${found.laterMs} instead of ${expected.laterMs}`)
}

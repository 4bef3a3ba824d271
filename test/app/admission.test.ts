import assert from 'node:assert/strict'
import { admitter } from '../../src/app/admission'
import type { Ahead, WorkerQueue } from '../../src/queue/store'
import { request } from '../queue/support'

const SUPPOSED = { nowMonoMs: 0, spacingMs: 1000, marginMs: 60_000 }
const NOW_MS = 5000
const EMPTY: Ahead = {
  jobs: 0,
  spacingMs: 0,
  laterMs: Number.POSITIVE_INFINITY,
  lastStartMonoMs: Number.NEGATIVE_INFINITY,
}

function asking(ahead: Partial<Ahead>) {
  const queue: WorkerQueue = {
    known: () => new Map(),
    lastHeartbeat: () => 0,
    ahead: () => ({ ...EMPTY, ...ahead }),
    counted: () => 0,
    add: () => [],
    mail: { reserve: () => undefined, removeUnused: () => undefined },
    close: () => undefined,
  }
  return admitter(() => queue, NOW_MS, SUPPOSED)
}

/** So many calls can still start before the deadline. */
const withRoomFor = (calls: number) => NOW_MS + SUPPOSED.marginMs + (calls - 1) * SUPPOSED.spacingMs

describe('the forecast for a mail', () => {
  it('lets a bounce in as long as it starts in time', () => {
    const deadlineMs = withRoomFor(3)
    assert.equal(asking({ jobs: 2 })(request({ deadlineMs })), undefined)
    assert.equal(asking({ jobs: 3 })(request({ deadlineMs })), 'the queue is too long for its deadline')
  })

  it('lets none in for which another would be late', () => {
    const deadlineMs = withRoomFor(3)
    assert.equal(asking({ laterMs: withRoomFor(2) })(request({ deadlineMs })), undefined)
    assert.equal(
      asking({ laterMs: withRoomFor(2) - 1 })(request({ deadlineMs })),
      'the queue is too long for those behind it',
    )
  })

  it('waits for a call that is planned', () => {
    const deadlineMs = withRoomFor(1)
    assert.equal(asking({ lastStartMonoMs: -1000 })(request({ deadlineMs })), undefined)
    assert.notEqual(asking({ lastStartMonoMs: 1 })(request({ deadlineMs })), undefined)
  })

  it('counts with what a job takes there, where that is more than supposed', () => {
    const deadlineMs = withRoomFor(3)
    assert.equal(asking({ jobs: 2, spacingMs: 900 })(request({ deadlineMs })), undefined)
    assert.notEqual(asking({ jobs: 2, spacingMs: 1100 })(request({ deadlineMs })), undefined)
  })

  it('counts the calls that the mail has taken itself, and none twice', () => {
    const late = asking({})
    const deadlineMs = withRoomFor(2)
    const [one, same, two, three] = [undefined, undefined, 'No.', 'Never.'].map(explanation =>
      request({ sesId: 'mail', deadlineMs, ...(explanation !== undefined && { explanation }) }),
    )
    assert.ok(one && same && two && three)
    for (const bounce of [one, same, two]) {
      assert.equal(late(bounce), undefined)
      late.count(bounce)
    }
    assert.notEqual(late(three), undefined)
    assert.equal(late(one), undefined, 'its recipients share a call')
  })
})

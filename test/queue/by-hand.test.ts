import assert from 'node:assert/strict'
import { cancel, hold, retry } from '../../src/queue/by-hand'
import { JOB_STATES, type JobState } from '../../src/queue/job'
import { job } from '../dispatch/support'

const PACE = { spacingMs: 1000, forecastMs: 1000, marginMs: 60_000 }
const NOW_MS = 0
const DEADLINE_MS = 3_600_000
const EMPTY = { jobs: 0, laterMs: Number.POSITIVE_INFINITY, spacingMs: 0 }

const jobIn = (state: JobState, reason?: string) =>
  job({ state, deadlineMs: DEADLINE_MS, ...(reason !== undefined && { reason }) })

function whyNot(changed: ReturnType<typeof cancel>): string | undefined {
  return 'fault' in changed ? changed.fault : undefined
}

describe('a change by hand', () => {
  it('can cancel what waits or is held, hold what waits, and retry what came to no bounce', () => {
    const can = (act: (state: JobState) => ReturnType<typeof cancel>) =>
      JOB_STATES.filter(state => whyNot(act(state)) === undefined)
    assert.deepEqual(
      can(state => cancel(jobIn(state))),
      ['queued', 'held'],
    )
    assert.deepEqual(
      can(state => hold(jobIn(state))),
      ['queued'],
    )
    assert.deepEqual(
      can(state => retry(jobIn(state), () => EMPTY, NOW_MS, PACE)),
      ['failed', 'expired', 'held', 'cancelled'],
    )
  })

  it('says why it is refused', () => {
    assert.equal(whyNot(cancel(undefined)), 'there is no such job')
    assert.equal(whyNot(cancel(jobIn('cancelled'))), 'it is cancelled already')
    assert.equal(whyNot(hold(jobIn('sending'))), 'it is being sent; its call may be on its way')
    assert.equal(
      whyNot(cancel(jobIn('sent'))),
      'it is sent; only what is queued or held can become cancelled',
    )
  })

  it('keeps in the history what the job was before, and why', () => {
    assert.deepEqual(cancel(jobIn('held', 'it was held by hand')), {
      state: 'cancelled',
      reason: 'it was cancelled by hand',
      events: [{ what: 'by hand', detail: 'held -> cancelled; before: it was held by hand' }],
    })
    assert.deepEqual(hold(jobIn('queued')), {
      state: 'held',
      reason: 'it was held by hand',
      events: [{ what: 'by hand', detail: 'queued -> held' }],
    })
  })

  it('gives a job that is tried again all of its tries, at once', () => {
    assert.deepEqual(
      retry(jobIn('held'), () => EMPTY, NOW_MS, PACE),
      {
        state: 'queued',
        reason: 'it was queued again by hand',
        notBeforeMs: 0,
        unknownTries: 0,
        interruptions: 0,
        events: [{ what: 'by hand', detail: 'held -> queued' }],
      },
    )
  })

  it('queues nothing that can not start in time, nor what would have another job expire', () => {
    const late = (waiting: typeof EMPTY, nowMs = NOW_MS) =>
      whyNot(retry(jobIn('failed'), () => waiting, nowMs, PACE))
    assert.equal(late(EMPTY, DEADLINE_MS - PACE.marginMs), undefined)
    assert.equal(
      late(EMPTY, DEADLINE_MS - PACE.marginMs + 1),
      'its window has ended: the last moment to send it was 1970-01-01T00:59:00.000Z',
    )
    assert.equal(
      late({ ...EMPTY, jobs: 3541 }),
      "it can't start in time: 3541 go before it, until 1970-01-01T00:59:01.000Z, and the last moment to send it is 1970-01-01T00:59:00.000Z",
    )
    // a slower pace, as the dispatcher has found it
    assert.match(late({ ...EMPTY, jobs: 2000, spacingMs: 2000 }) ?? '', /^it can't start in time: 2000 go/)
    assert.equal(
      late({ ...EMPTY, laterMs: 0 }),
      'a bounce with a later deadline could not start in time any more',
    )
  })
})

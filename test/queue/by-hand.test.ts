import assert from 'node:assert/strict'
import { decideAll, flushedText, type WaitingJobs } from '../../src/queue/by-hand'
import { DeadlineHistogram } from '../../src/queue/deadline-histogram'
import { JOB_STATES, type Job, type JobState } from '../../src/queue/job'
import type { JobAction } from '../../src/queue/operator'
import { job } from '../dispatch/support'

const PACE = { spacingMs: 1000, forecastMs: 1000, marginMs: 60_000 }
const NOW_MS = 0
const DEADLINE_MS = 3_600_000

const jobIn = (state: JobState, reason?: string) =>
  job({ state, deadlineMs: DEADLINE_MS, ...(reason !== undefined && { reason }) })

/** So many jobs wait, a second apart, the last with the deadline of `jobIn`. */
function waiting(jobs = 0, spacingMs = 0): WaitingJobs {
  const deadlines = Array.from({ length: jobs }, (_, index) => DEADLINE_MS - (jobs - 1 - index) * 1000)
  return { histogram: new DeadlineHistogram(deadlines), spacingMs }
}

function decided(action: JobAction, one: Job | undefined, others = waiting(), nowMs = NOW_MS) {
  const [first] = decideAll([one], { action, nowMs, pace: PACE }, () => others)
  assert.ok(first)
  return first
}

function whyNot(...asked: Parameters<typeof decided>): string | undefined {
  const found = decided(...asked)
  return 'fault' in found ? found.fault : undefined
}

describe('a change by hand', () => {
  it('can cancel what waits or is held, hold what waits, and retry what came to no bounce', () => {
    const can = (action: JobAction) => JOB_STATES.filter(state => whyNot(action, jobIn(state)) === undefined)
    assert.deepEqual(can('cancel'), ['queued', 'held'])
    assert.deepEqual(can('hold'), ['queued'])
    assert.deepEqual(can('retry'), ['failed', 'expired', 'held', 'cancelled'])
  })

  it('says why it is refused', () => {
    assert.equal(whyNot('cancel', undefined), 'there is no such job')
    assert.equal(whyNot('cancel', jobIn('cancelled')), 'it is cancelled already')
    assert.equal(whyNot('hold', jobIn('sending')), 'it is being sent; its call may be on its way')
    assert.equal(
      whyNot('cancel', jobIn('sent')),
      'it is sent; only what is queued or held can become cancelled',
    )
  })

  it('keeps in the history what the job was before, and why', () => {
    assert.deepEqual(decided('cancel', jobIn('held', 'it was held by hand')), {
      state: 'cancelled',
      reason: 'it was cancelled by hand',
      events: [{ what: 'by hand', detail: 'held -> cancelled; before: it was held by hand' }],
    })
    assert.deepEqual(decided('hold', jobIn('queued')), {
      state: 'held',
      reason: 'it was held by hand',
      events: [{ what: 'by hand', detail: 'queued -> held' }],
    })
  })

  it('keeps who did it, and their reason', () => {
    const audit = {
      id: '1',
      atMs: NOW_MS,
      who: 'anna',
      via: 'cli',
      host: 'web-1',
      action: 'hold',
      target: 'job 1',
      reason: 'a new address comes',
    } as const
    const change = { action: 'hold', nowMs: NOW_MS, pace: PACE, audit } as const
    assert.deepEqual(
      decideAll([jobIn('queued', '503')], change, () => waiting()),
      [
        {
          state: 'held',
          reason: 'it was held by hand: a new address comes',
          events: [{ what: 'by hand', detail: 'queued -> held by anna: a new address comes; before: 503' }],
        },
      ],
    )
    assert.equal(
      flushedText(0, audit),
      'its next attempt is now by anna: a new address comes; before: not before 1970-01-01T00:00:00.000Z',
    )
  })

  it('gives a job that is tried again all of its tries, at once', () => {
    assert.deepEqual(decided('retry', jobIn('held')), {
      state: 'queued',
      reason: 'it was queued again by hand',
      notBeforeMs: 0,
      unknownTries: 0,
      interruptions: 0,
      events: [{ what: 'by hand', detail: 'held -> queued' }],
    })
  })

  it('queues nothing that can not start in time, nor what would have another job expire', () => {
    const late = (others: WaitingJobs, nowMs = NOW_MS) => whyNot('retry', jobIn('failed'), others, nowMs)
    assert.equal(late(waiting(), DEADLINE_MS - PACE.marginMs), undefined)
    assert.equal(
      late(waiting(), DEADLINE_MS - PACE.marginMs + 1),
      'its window has ended: the last moment to send it was 1970-01-01T00:59:00.000Z',
    )
    assert.equal(
      late(waiting(3541)),
      "it can't start in time: 3541 go before it, until 1970-01-01T00:59:01.000Z, and the last moment to send it is 1970-01-01T00:59:00.000Z",
    )
    // a slower pace, as the dispatcher has found it
    assert.match(late(waiting(2000, 2000)) ?? '', /^it can't start in time: 2000 go/)
    const soon = { histogram: new DeadlineHistogram([DEADLINE_MS + 1000]), spacingMs: 3_542_000 }
    assert.equal(late(soon), 'a bounce with a later deadline could not start in time any more')
  })

  it('counts the jobs of one change before each other, and leaves the queue as it was', () => {
    const others = waiting(3538)
    const change = { action: 'retry', nowMs: NOW_MS, pace: PACE } as const
    const results = decideAll(Array(5).fill(jobIn('failed')), change, () => others)
    assert.deepEqual(
      results.map(one => 'events' in one),
      [true, true, true, false, false],
    )
    assert.deepEqual(others.histogram.deadlines(), waiting(3538).histogram.deadlines())
  })
})

// The one decision on admission, with what the queue holds given as data.

import assert from 'node:assert/strict'
import type { BounceRequest, Cap } from '../../src/policy/decision'
import { admit } from '../../src/queue/admission'
import { callKey } from '../../src/queue/calls'
import type { JobState } from '../../src/queue/job'
import type { Ahead, KnownRecipient } from '../../src/queue/store'
import { key } from '../units'
import { request } from './support'

const FORECAST = { nowMonoMs: 0, spacingMs: 1000, marginMs: 60_000 }
const NOW_MS = 5000
const EMPTY: Ahead = {
  jobs: 0,
  spacingMs: 0,
  laterMs: Number.POSITIVE_INFINITY,
  sinceLastStartMs: Number.POSITIVE_INFINITY,
}

interface Holds {
  ahead?: Partial<Ahead>
  known?: Record<string, KnownRecipient>
  counted?: number
}

function outcomes(requests: readonly BounceRequest[], holds: Holds = {}) {
  const records = {
    known: () => new Map(Object.entries(holds.known ?? {}).map(([text, one]) => [key(text), one])),
    ahead: () => ({ ...EMPTY, ...holds.ahead }),
    counted: () => holds.counted ?? 0,
  }
  return admit(requests, records, NOW_MS, FORECAST).map(result =>
    'detail' in result ? `${result.outcome}: ${result.detail}` : result.outcome,
  )
}

const LATE = 'overloaded: the queue is too long for its deadline'

/** So many calls can still start before the deadline. */
const withRoomFor = (calls: number) => NOW_MS + FORECAST.marginMs + (calls - 1) * FORECAST.spacingMs

function to(user: string, changes: Parameters<typeof request>[0] = {}): BounceRequest {
  return request({ sesId: 'mail', ...changes, recipient: { address: `${user}@yours.example` } })
}

function earlier(state: JobState, changes: Partial<KnownRecipient> = {}): KnownRecipient {
  return { jobId: 'job', state, rule: 'old', createdAtMs: 1, ...changes }
}

describe('admission of the bounces of a mail', () => {
  it('admits a bounce as long as it starts in time', () => {
    const deadlineMs = withRoomFor(3)
    assert.deepEqual(outcomes([to('a', { deadlineMs })], { ahead: { jobs: 2 } }), ['added'])
    assert.deepEqual(outcomes([to('a', { deadlineMs })], { ahead: { jobs: 3 } }), [LATE])
  })

  it('admits no bounce for which a later one would be late', () => {
    const deadlineMs = withRoomFor(3)
    assert.deepEqual(outcomes([to('a', { deadlineMs })], { ahead: { laterMs: withRoomFor(2) } }), ['added'])
    assert.deepEqual(outcomes([to('a', { deadlineMs })], { ahead: { laterMs: withRoomFor(2) - 1 } }), [
      'overloaded: the queue is too long for later deadlines',
    ])
  })

  it('waits for a call that is planned', () => {
    const deadlineMs = withRoomFor(1)
    assert.deepEqual(outcomes([to('a', { deadlineMs })], { ahead: { sinceLastStartMs: 1000 } }), ['added'])
    assert.deepEqual(outcomes([to('a', { deadlineMs })], { ahead: { sinceLastStartMs: 999 } }), [LATE])
    assert.deepEqual(outcomes([to('a', { deadlineMs })], { ahead: { sinceLastStartMs: -1 } }), [LATE])
  })

  it('uses the duration of jobs in the region, if it is longer than assumed', () => {
    const deadlineMs = withRoomFor(3)
    assert.deepEqual(outcomes([to('a', { deadlineMs })], { ahead: { jobs: 2, spacingMs: 900 } }), ['added'])
    assert.deepEqual(outcomes([to('a', { deadlineMs })], { ahead: { jobs: 2, spacingMs: 1100 } }), [LATE])
  })

  it('counts the calls of the mail itself, and recipients that share one once', () => {
    const deadlineMs = withRoomFor(2)
    const requests = [undefined, undefined, 'No.', 'Never.', undefined].map((explanation, index) =>
      to(`user${index}`, { deadlineMs, ...(explanation !== undefined && { explanation }) }),
    )
    assert.deepEqual(outcomes(requests), ['added', 'joined', 'added', LATE, 'joined'])
  })

  it("doesn't count a refused bounce for those behind it", () => {
    const requests = [
      to('a', { deadlineMs: withRoomFor(1), explanation: 'No.', caps: [rule(0)] }),
      to('b', { deadlineMs: withRoomFor(1) }),
    ]
    assert.deepEqual(outcomes(requests), ['capped: more than 0/day by this rule', 'added'])
  })

  it('lets a recipient join a call that waits, however long the queue and whatever its sender has had', () => {
    const late = to('b', { deadlineMs: 0, caps: [sender(1)] })
    const known = { 'a@yours.example': earlier('queued', { call: callKey(late) }) }
    assert.deepEqual(outcomes([late], { known, counted: 1 }), ['joined'])
    assert.deepEqual(outcomes([{ ...late, bounceSender: 'other@yours.example' }], { known }), [LATE])
  })

  it('knows a recipient whose bounce is made or waits, and refuses one whose bounce has ended', () => {
    for (const state of ['queued', 'sending', 'sent', 'held'] as const)
      assert.deepEqual(outcomes([to('a')], { known: { 'a@yours.example': earlier(state) } }), ['known'])
    for (const state of ['failed', 'expired', 'cancelled'] as const)
      assert.deepEqual(outcomes([to('a')], { known: { 'a@yours.example': earlier(state) } }), ['ended'])
  })

  it('admits a recipient that stands twice in the mail once, however it is written', () => {
    assert.deepEqual(outcomes([to('a'), to('A'), to('a', { explanation: 'No.' })]), [
      'added',
      'known',
      'known',
    ])
  })

  it('counts a call once for its sender and each of its recipients for the rule', () => {
    const caps = [sender(1), rule(2)]
    assert.deepEqual(outcomes([to('a', { caps }), to('b', { caps }), to('c', { caps })]), [
      'added',
      'joined',
      'capped: more than 2/day by this rule',
    ])
    assert.deepEqual(outcomes([to('a', { caps }), to('b', { caps, explanation: 'No.' })]), [
      'added',
      'capped: more than 1/day for this sender',
    ])
  })

  it('counts what the queue has counted and what the mail adds together', () => {
    const one = (user: string) => to(user, { caps: [rule(10)] })
    assert.deepEqual(outcomes([one('a'), one('b')], { counted: 9 }), [
      'added',
      'capped: more than 10/day by this rule',
    ])
  })
})

const DAY_MS = 86_400_000

function sender(count: number): Cap {
  return { by: 'sender', key: 'sender@origin.example', rate: { count, perMs: DAY_MS } }
}

function rule(count: number): Cap {
  return { by: 'rule', key: 'unknown-mailbox', rate: { count, perMs: DAY_MS } }
}

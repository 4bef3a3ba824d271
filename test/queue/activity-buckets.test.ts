// The numbers of jobs that came and ended, by spans of time, through every change that there is.

import assert from 'node:assert/strict'
import { ACTIVITY_BUCKET_MS, type ActivityBucket } from '../../src/queue/stats'
import { addJob, inTurn, takeLead } from './any-engine'
import { byHand } from './by-hand-calls'
import { forEachEngine, type Store } from './engines'
import { HOUR_MS, request } from './support'

const REGION = 'eu-west-1'
const NOW_MS = 1_700_000_100_123
const FIRST_MS = NOW_MS - (NOW_MS % ACTIVITY_BUCKET_MS)
const SPACING = { spacingMs: 0, notBeforeMonoMs: 0, longestPauseMs: 60_000 }
const PACE = { spacingMs: 1000, forecastMs: 1035, marginMs: 60_000 }

forEachEngine('spans of time', makeStore => {
  let store: Store
  beforeEach(async () => {
    store = await makeStore()
  })
  afterEach(() => store.remove())

  async function spans(fromMs = 0): Promise<ActivityBucket[]> {
    const { buckets, waiting } = await (await store.reader()).activity(fromMs)
    const states = await (await store.reader()).countByState()
    assert.equal(waiting, states.queued + states.sending + states.held)
    return [...buckets]
  }

  const at = (index: number, came: number, sent: number, others: number): ActivityBucket => ({
    fromMs: FIRST_MS + index * ACTIVITY_BUCKET_MS,
    came,
    sent,
    others,
  })

  it('count what comes, ends and comes back, and what is forgotten stays counted', async () => {
    const worker = await store.worker()
    const dispatcher = await store.dispatcher()
    const operator = await store.operator()
    try {
      await takeLead(dispatcher)
      const deadlineMs = NOW_MS + 24 * HOUR_MS
      const ids = await inTurn(
        Array(4),
        async () => (await addJob(worker, request({ deadlineMs }), NOW_MS)).jobId,
      )
      await worker.add([request({ deadlineMs: NOW_MS + HOUR_MS })], NOW_MS)
      assert.deepEqual(await spans(), [at(0, 5, 0, 0)])

      const later = { ms: NOW_MS + ACTIVITY_BUCKET_MS, monoMs: 1 }
      const claim = await dispatcher.claim(REGION, later, SPACING)
      assert.ok(claim)
      await dispatcher.begin(claim, later)
      await byHand(operator).hold(ids[0] ?? '', later.ms)
      assert.deepEqual(await spans(), [at(0, 5, 0, 0)], 'what is held or sent at the moment still waits')
      await dispatcher.settle(
        claim,
        { state: 'sent', messageId: 'm', detail: 'd' },
        { ms: later.ms, seenMonoMs: 1 },
      )
      await byHand(operator).cancel(ids[0] ?? '', later.ms)
      await byHand(operator).cancel(ids[1] ?? '', later.ms)
      assert.deepEqual(await spans(), [at(0, 5, 0, 0), at(1, 0, 1, 2)])

      assert.ok(
        'value' in (await byHand(operator).retry(ids[1] ?? '', NOW_MS + 2 * ACTIVITY_BUCKET_MS, PACE)),
      )
      assert.equal((await dispatcher.expire(REGION, deadlineMs, 0)).length, 0)
      assert.equal((await dispatcher.expire(REGION, deadlineMs + 1, 0)).length, 3)
      const whole = [at(0, 5, 0, 0), at(1, 0, 1, 2), at(2, 1, 0, 0), at(288, 0, 0, 3)]
      assert.deepEqual(await spans(), whole)
      assert.equal(await dispatcher.prune(deadlineMs + 2), 5)
      assert.deepEqual(await spans(), whole)
      assert.deepEqual(await spans(FIRST_MS + ACTIVITY_BUCKET_MS), whole.slice(1))

      await worker.add([request({ deadlineMs })], NOW_MS + 289 * ACTIVITY_BUCKET_MS)
      assert.deepEqual(await spans(), [...whole.slice(1), at(289, 1, 0, 0)], 'a day of them is kept')
    } finally {
      for (const one of [worker, dispatcher, operator]) await one.close()
    }
  })

  it('are whole, also of times that are not', async () => {
    const worker = await store.worker()
    const dispatcher = await store.dispatcher()
    try {
      await takeLead(dispatcher)
      await worker.add([request({ deadlineMs: NOW_MS + HOUR_MS })], NOW_MS + 0.25)
      assert.equal((await dispatcher.expire(REGION, NOW_MS + HOUR_MS + 0.5, 0)).length, 1)
      assert.deepEqual(await spans(), [at(0, 1, 0, 0), at(12, 0, 0, 1)])
    } finally {
      for (const one of [worker, dispatcher]) await one.close()
    }
  })

  it('of a job that is split off count where it comes, not where its mail came', async () => {
    const worker = await store.worker()
    const dispatcher = await store.dispatcher()
    try {
      await takeLead(dispatcher)
      const mail = { sesId: 'several', deadlineMs: NOW_MS + HOUR_MS }
      const two = ['one', 'two'].map(name =>
        request({ ...mail, recipient: { address: `${name}@yours.example` } }),
      )
      await worker.add(two, NOW_MS)
      const later = { ms: NOW_MS + ACTIVITY_BUCKET_MS, monoMs: 1 }
      const claim = await dispatcher.claim(REGION, later, SPACING)
      assert.ok(claim)
      await dispatcher.begin(claim, later)
      await dispatcher.settle(claim, { state: 'failed', detail: 'no' }, { ms: later.ms, seenMonoMs: 1 })
      assert.deepEqual(await spans(), [at(0, 1, 0, 0), at(1, 1, 0, 0)])
    } finally {
      for (const one of [worker, dispatcher]) await one.close()
    }
  })
})

// What came and what ended, by spans of time, through every change that there is.

import assert from 'node:assert/strict'
import path from 'node:path'
import {
  openDispatcherQueue,
  openOperatorQueue,
  openQueueReader,
  openWorkerQueue,
} from '../../src/queue/sqlite/open'
import { ACTIVITY_BUCKET_MS, type ActivityBucket } from '../../src/queue/stats'
import { HOUR_MS, request, takeLead, temporaryFolder } from './support'

const REGION = 'eu-west-1'
const NOW_MS = 1_700_000_100_123
const FIRST_MS = NOW_MS - (NOW_MS % ACTIVITY_BUCKET_MS)
const SPACING = { spacingMs: 0, notBeforeMonoMs: 0, longestPauseMs: 60_000 }
const PACE = { spacingMs: 1000, forecastMs: 1035, marginMs: 60_000 }

describe('spans of time', () => {
  let file: string
  let remove: () => void
  beforeEach(() => {
    const temporary = temporaryFolder()
    remove = temporary.remove
    file = path.join(temporary.folder, 'queue.sqlite')
  })
  afterEach(() => remove())

  function spans(fromMs = 0): ActivityBucket[] {
    const reader = openQueueReader(file)
    try {
      return reader.activity(fromMs)
    } finally {
      reader.close()
    }
  }

  const at = (index: number, came: number, sent: number, others: number): ActivityBucket => ({
    fromMs: FIRST_MS + index * ACTIVITY_BUCKET_MS,
    came,
    sent,
    others,
  })

  it('count what comes, ends and comes back, and what is forgotten stays counted', () => {
    const worker = openWorkerQueue(file, { create: true })
    const dispatcher = openDispatcherQueue(file)
    const operator = openOperatorQueue(file)
    try {
      takeLead(dispatcher)
      const deadlineMs = NOW_MS + 24 * HOUR_MS
      const ids = Array.from(
        { length: 4 },
        () => worker.add([request({ deadlineMs })], NOW_MS)[0]?.jobId ?? '',
      )
      worker.add([request({ deadlineMs: NOW_MS + HOUR_MS })], NOW_MS)
      assert.deepEqual(spans(), [at(0, 5, 0, 0)])

      const later = { ms: NOW_MS + ACTIVITY_BUCKET_MS, monoMs: 1 }
      const claim = dispatcher.claim(REGION, later, SPACING)
      assert.ok(claim)
      dispatcher.begin(claim, later)
      operator.hold(ids[0] ?? '', later.ms)
      assert.deepEqual(spans(), [at(0, 5, 0, 0)], 'what is held or sent at the moment still waits')
      dispatcher.settle(
        claim,
        { state: 'sent', messageId: 'm', detail: 'd' },
        { ms: later.ms, seenMonoMs: 1 },
      )
      operator.cancel(ids[0] ?? '', later.ms)
      operator.cancel(ids[1] ?? '', later.ms)
      assert.deepEqual(spans(), [at(0, 5, 0, 0), at(1, 0, 1, 2)])

      assert.ok('value' in operator.retry(ids[1] ?? '', NOW_MS + 2 * ACTIVITY_BUCKET_MS, PACE))
      assert.equal(dispatcher.expire(REGION, deadlineMs, 0).length, 0)
      assert.equal(dispatcher.expire(REGION, deadlineMs + 1, 0).length, 3)
      const whole = [at(0, 5, 0, 0), at(1, 0, 1, 2), at(2, 1, 0, 0), at(288, 0, 0, 3)]
      assert.deepEqual(spans(), whole)
      assert.equal(dispatcher.prune(deadlineMs + 2), 5)
      assert.deepEqual(spans(), whole)
      assert.deepEqual(spans(FIRST_MS + ACTIVITY_BUCKET_MS), whole.slice(1))

      worker.add([request({ deadlineMs })], NOW_MS + 289 * ACTIVITY_BUCKET_MS)
      assert.deepEqual(spans(), [...whole.slice(1), at(289, 1, 0, 0)], 'a day of them is kept')
    } finally {
      for (const one of [worker, dispatcher, operator]) one.close()
    }
  })

  it('are whole, also of times that are not', () => {
    const worker = openWorkerQueue(file, { create: true })
    const dispatcher = openDispatcherQueue(file)
    try {
      takeLead(dispatcher)
      worker.add([request({ deadlineMs: NOW_MS + HOUR_MS })], NOW_MS + 0.25)
      assert.equal(dispatcher.expire(REGION, NOW_MS + HOUR_MS + 0.5, 0).length, 1)
      assert.deepEqual(spans(), [at(0, 1, 0, 0), at(12, 0, 0, 1)])
    } finally {
      for (const one of [worker, dispatcher]) one.close()
    }
  })

  it('of a job that is split off count where it comes, not where its mail came', () => {
    const worker = openWorkerQueue(file, { create: true })
    const dispatcher = openDispatcherQueue(file)
    try {
      takeLead(dispatcher)
      const mail = { sesId: 'several', deadlineMs: NOW_MS + HOUR_MS }
      const two = ['one', 'two'].map(name =>
        request({ ...mail, recipient: { address: `${name}@yours.example` } }),
      )
      worker.add(two, NOW_MS)
      const later = { ms: NOW_MS + ACTIVITY_BUCKET_MS, monoMs: 1 }
      const claim = dispatcher.claim(REGION, later, SPACING)
      assert.ok(claim)
      dispatcher.begin(claim, later)
      dispatcher.settle(claim, { state: 'failed', detail: 'no' }, { ms: later.ms, seenMonoMs: 1 })
      assert.deepEqual(spans(), [at(0, 1, 0, 0), at(1, 1, 0, 0)])
    } finally {
      for (const one of [worker, dispatcher]) one.close()
    }
  })
})

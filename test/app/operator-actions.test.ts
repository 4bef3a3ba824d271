// Changes of many jobs by hand: bounded transactions, between which workers and the dispatcher have the queue.

import assert from 'node:assert/strict'
import path from 'node:path'
import { changeJobs, flushQueue, type OperatorContext } from '../../src/app/operator-actions'
import { MOST_CHANGED } from '../../src/queue/operator'
import { openDispatcherQueue, openOperatorQueue, openWorkerQueue } from '../../src/queue/sqlite/open'
import { HOUR_MS, request, takeLead, temporaryFolder } from '../queue/support'

const PACE = { spacingMs: 0, forecastMs: 0, marginMs: 0 }
const SPACING = { spacingMs: 0, notBeforeMonoMs: 0, longestPauseMs: 2 * HOUR_MS }
const JOBS = MOST_CHANGED * 3 + 1

describe('a change of many jobs by hand', () => {
  it('leaves the queue to others after each hundred jobs, and counts them in one entry', async () => {
    const { folder, remove } = temporaryFolder()
    const file = path.join(folder, 'queue.sqlite')
    const worker = openWorkerQueue(file, { create: true })
    const dispatcher = openDispatcherQueue(file)
    const operator = openOperatorQueue(file)
    try {
      takeLead(dispatcher)
      for (let n = 0; n < JOBS; n++) worker.add([request({ deadlineMs: HOUR_MS })], 0)
      const ids = [...operator.jobs()].map(({ id }) => id)
      const context: OperatorContext = {
        queue: operator,
        pace: PACE,
        now: { ms: 1, monoMs: 1 },
        actor: { who: 'anna', via: 'cli', host: 'web-1' },
        note: () => undefined,
        wake: () => undefined,
      }
      const rests: number[] = []
      const done: number[] = []
      /** Whatever others do meanwhile succeeds, without a wait. */
      const sleep = async (ms: number) => {
        rests.push(ms)
        assert.equal(worker.add([request({ deadlineMs: 2 * HOUR_MS })], 1)[0]?.outcome, 'added')
        const claim = dispatcher.claim('eu-west-1', { ms: 1, monoMs: 1 }, SPACING)
        assert.ok(claim)
        dispatcher.begin(claim, { ms: 1, monoMs: 1 })
        const effect = { state: 'queued', what: 'retry', notBeforeMs: HOUR_MS, detail: '503' } as const
        dispatcher.settle(claim, effect, { ms: 1, seenMonoMs: 1 })
      }
      const target = 'state queued'
      const batches = {
        nowMs: () => 1,
        sleep,
        done: (some: readonly string[]) => void done.push(some.length),
      }
      await changeJobs(context, { action: 'hold', ids, target }, batches)
      assert.deepEqual(done, [MOST_CHANGED, MOST_CHANGED, MOST_CHANGED, 1])
      assert.equal(rests.length, 3)
      assert.ok(
        rests.every(ms => ms >= 5),
        rests.join(),
      )
      const [entry] = operator.audit.page({ limit: 10 }).entries
      const { held } = operator.countByState()
      assert.deepEqual([entry?.action, entry?.target, entry?.items], ['hold', target, held])
      assert.ok(held >= JOBS - rests.length && held <= JOBS, `${held}`)
      const flushed = await flushQueue(context, undefined, batches)
      assert.ok(flushed.isDone)
    } finally {
      for (const one of [worker, dispatcher, operator]) one.close()
      remove()
    }
  })
})

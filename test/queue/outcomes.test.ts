// The outcomes of recipients, and the jobs that were lost of late, which the page shows beside its lists.

import assert from 'node:assert/strict'
import type { JobState } from '../../src/queue/job'
import type { OperatorQueue } from '../../src/queue/operator'
import type { DispatcherQueue, WorkerQueue } from '../../src/queue/store'
import { addJob, takeLead } from './any-engine'
import { byHand } from './by-hand-calls'
import { forEachEngine, type Store } from './engines'
import { HOUR_MS, request } from './support'

const SPACING = { spacingMs: 0, notBeforeMonoMs: 0, longestPauseMs: 60_000 }
const EU = 'eu-west-1'

forEachEngine('what became of jobs', makeStore => {
  let store: Store
  let worker: WorkerQueue
  let dispatcher: DispatcherQueue
  let queue: OperatorQueue
  beforeEach(async () => {
    store = await makeStore()
    worker = await store.worker()
    dispatcher = await store.dispatcher()
    queue = await store.operator()
    await takeLead(dispatcher)
  })
  afterEach(() => store.remove())

  const add = async (sesId: string, address: string, deadlineMs = 24 * HOUR_MS) =>
    (await addJob(worker, request({ sesId, recipient: { address }, deadlineMs }), 1)).jobId

  async function end(state: 'sent' | 'failed', ms: number): Promise<string> {
    const claim = await dispatcher.claim(EU, { ms, monoMs: ms }, SPACING)
    assert.ok(claim)
    await dispatcher.begin(claim, { ms, monoMs: ms })
    const effect =
      state === 'sent'
        ? ({ state, messageId: 'm', detail: 'd' } as const)
        : ({ state, detail: 'no' } as const)
    await dispatcher.settle(claim, effect, { ms, seenMonoMs: ms })
    return claim.job.id
  }

  it('is told for each recipient of a mail in the order asked, however it is written', async () => {
    const first = await add('mail one', 'Anna@yours.example')
    await end('sent', 5)
    const second = await add('mail two', 'ben@yours.example')
    const asked = [
      { sesId: 'mail two', address: 'ben@yours.example' },
      { sesId: 'mail one', address: 'ben@yours.example' },
      { sesId: 'mail one', address: 'anna@YOURS.example' },
      { sesId: 'none', address: '"; --@[' },
    ]
    assert.deepEqual(await queue.statesOf(asked), [
      { id: second, state: 'queued' },
      undefined,
      { id: first, state: 'sent' },
      undefined,
    ])
    assert.deepEqual(await queue.statesOf([]), [])
  })

  it('names those that failed or expired since then, latest first, and counts all', async () => {
    const states: [JobState, number][] = [
      ['failed', 10],
      ['sent', 20],
      ['failed', 30],
    ]
    const ids: string[] = []
    for (const [state, ms] of states) {
      await add(`mail ${ms}`, 'user@yours.example')
      ids.push(await end(state as 'sent' | 'failed', ms))
    }
    const expired = await add('late', 'user@yours.example', 40)
    assert.equal((await dispatcher.expire(EU, 41, 0)).length, 1)
    const cancelled = await add('by hand', 'user@yours.example')
    await byHand(queue).cancel(cancelled, 50)
    const lost = async (sinceMs: number, limit: number) => {
      const { jobs, all } = await queue.lostSince(sinceMs, limit)
      return [jobs.map(({ id }) => id), all]
    }
    assert.deepEqual(await lost(0, 10), [[expired, ids[2], ids[0]], 3])
    assert.deepEqual(await lost(30, 10), [[expired, ids[2]], 2])
    assert.deepEqual(await lost(30, 1), [[expired], 2])
    assert.deepEqual(await lost(30, 0), [[], 2])
    assert.deepEqual(await lost(42, 10), [[], 0])
  })
})

import assert from 'node:assert/strict'
import { QueueError } from '../../src/errors'
import type { Claim, DispatcherQueue, Eventually, WorkerQueue } from '../../src/queue/store'
import { addJob, allOf, due, inTurn, known, takeLead } from './any-engine'
import { forEachEngine, type Store } from './engines'
import { HOUR_MS, LEAD, request } from './support'

const SPACING = { spacingMs: 1005, notBeforeMonoMs: 0, longestPauseMs: 600_000 }
const STALE_MS = LEAD.staleMs
const MINUTE_MS = 60_000

async function codeOf(work: () => Eventually<unknown>): Promise<string> {
  try {
    await work()
  } catch (error) {
    return error instanceof QueueError ? error.code : String(error)
  }
  return 'no error'
}

forEachEngine("the dispatcher's side", makeStore => {
  let store: Store
  let worker: WorkerQueue
  let queue: DispatcherQueue

  beforeEach(async () => {
    store = await makeStore()
    worker = await store.worker()
    queue = await store.dispatcher()
    await takeLead(queue)
  })
  afterEach(() => store.remove())

  const at = (ms: number) => ({ ms, monoMs: ms })

  /** The next call begins. */
  async function call(ms: number): Promise<Claim | undefined> {
    const claim = await queue.claim('eu-west-1', at(ms), SPACING)
    if (claim) await queue.begin(claim, at(ms))
    return claim
  }

  async function history(id: string) {
    const reader = await store.reader()
    const job = await reader.job(id)
    return { job, events: (await reader.history(id)).map(event => event.what) }
  }

  it('gives jobs by soonest deadline, equal ones in the order of their coming', async () => {
    for (const [sesId, hours] of [
      ['late', 9],
      ['soon', 1],
      ['middle', 5],
      ['middle2', 5],
    ] as const) {
      await worker.add([request({ sesId, deadlineMs: hours * HOUR_MS })], 0)
    }
    const order = await inTurn([1, 2, 3, 4], async n => (await call(n))?.job.sesId)
    assert.deepEqual(order, ['soon', 'middle', 'middle2', 'late'])
    assert.equal(await queue.claim('eu-west-1', at(5), SPACING), undefined)
  })

  it('plans the starts of a region apart by the spacing, whatever the time of the claim', async () => {
    for (let n = 0; n < 3; n++) await worker.add([request()], 0)
    await worker.add([request({ region: 'us-east-1' })], 0)
    const starts = await inTurn([100, 200, 5000], async ms => (await call(ms))?.startAtMonoMs)
    assert.deepEqual(starts, [100, 1105, 5000])
    assert.equal((await queue.claim('us-east-1', at(300), SPACING))?.startAtMonoMs, 300)
  })

  it('counts the spacing from when SES may have seen the call at the latest', async () => {
    await worker.add([request()], 0)
    await worker.add([request()], 0)
    const claim = await queue.claim('eu-west-1', at(100), SPACING)
    assert.ok(claim)
    await queue.begin(claim, at(101))
    await queue.settle(claim, { state: 'sent', messageId: 'm', detail: 'ok' }, { ms: 900, seenMonoMs: 800 })
    assert.equal((await queue.claim('eu-west-1', at(900), SPACING))?.startAtMonoMs, 1805)
  })

  it('records what SES said', async () => {
    const added = await addJob(worker, request(), 0)
    const claim = await queue.claim('eu-west-1', at(1), SPACING)
    assert.ok(claim)
    await queue.begin(claim, at(2))
    await queue.settle(
      claim,
      { state: 'sent', messageId: '0102-x', detail: 'made' },
      { ms: 3, seenMonoMs: 3 },
    )
    const { job, events } = await history(added.jobId)
    assert.equal(job?.state, 'sent')
    assert.equal(job?.messageId, '0102-x')
    assert.equal(job?.tries, 1)
    assert.deepEqual(events, ['queued', 'claimed', 'sent'])
  })

  it('keeps a job back until its pause is over, but not for a pause longer than any can be', async () => {
    await worker.add([request()], 0)
    const claim = await queue.claim('eu-west-1', at(1), SPACING)
    assert.ok(claim)
    await queue.begin(claim, at(2))
    const retry = { state: 'queued', what: 'retry', notBeforeMs: 5000, detail: '503' } as const
    await queue.settle(claim, retry, { ms: 3, seenMonoMs: 3 })
    assert.deepEqual(await due(queue, 10, 600_000), [{ region: 'eu-west-1', dueMs: 5000 }])
    assert.equal(await queue.claim('eu-west-1', at(4999), SPACING), undefined)
    // the clock was set back by days
    assert.deepEqual(await due(queue, -9 * 86_400_000, 600_000), [{ region: 'eu-west-1', dueMs: 0 }])
    assert.ok(await queue.claim('eu-west-1', { ms: -9 * 86_400_000, monoMs: 5000 }, SPACING))
  })

  it('expires what can not start any more, and says why', async () => {
    await worker.add([request({ deadlineMs: 10_000 })], 0)
    await worker.add([request({ deadlineMs: 99_000 })], 0)
    const expired = await queue.expire('eu-west-1', 5000, 6000)
    assert.equal(expired.length, 1)
    assert.equal(expired[0]?.state, 'expired')
    assert.equal(expired[0]?.reason, 'The deadline passed before it could be sent')
  })

  it('gives a released job out again, with nothing counted against it', async () => {
    const added = await addJob(worker, request(), 0)
    const claim = await queue.claim('eu-west-1', at(1), SPACING)
    assert.ok(claim)
    await queue.release(claim, 2)
    const { job } = await history(added.jobId)
    assert.equal(job?.state, 'queued')
    assert.equal(job?.tries, 0)
  })

  it('stands by while a living leader gives heartbeats, and takes over when it gives none', async () => {
    const other = await store.dispatcher()
    await queue.heartbeat(1000)
    assert.equal(await other.takeLead(() => at(1001), LEAD), undefined)
    assert.equal((await other.takeLead(() => at(1001 + STALE_MS), LEAD))?.term, 2)
    assert.equal(await codeOf(() => queue.heartbeat(1001 + STALE_MS)), 'QUEUE_LOCK_LOST')
    await other.close()
  })

  describe('when its leader has gone silent', () => {
    /** Another dispatcher, which has seen no heartbeat for long enough by `ms`. */
    async function successor(ms: number, limits = LEAD): Promise<DispatcherQueue> {
      const other = await store.dispatcher()
      assert.equal(await other.takeLead(() => at(ms - STALE_MS), limits), undefined)
      assert.ok(await other.takeLead(() => at(ms), limits))
      return other
    }

    it('takes its lead, and the old leader can change nothing', async () => {
      await worker.add([request()], 0)
      const claim = await queue.claim('eu-west-1', at(1), SPACING)
      assert.ok(claim)
      await successor(9000)
      assert.equal(await codeOf(() => queue.begin(claim, at(9001))), 'QUEUE_LOCK_LOST')
      assert.equal(await codeOf(() => queue.heartbeat(9001)), 'QUEUE_LOCK_LOST')
      assert.equal(await codeOf(() => queue.claim('eu-west-1', at(9001), SPACING)), 'QUEUE_LOCK_LOST')
    })

    it('queues a job whose call had not begun as before', async () => {
      const { jobId } = await addJob(worker, request(), 0)
      await queue.claim('eu-west-1', at(1), SPACING)
      await successor(9000)
      const { job } = await history(jobId)
      assert.deepEqual([job?.state, job?.interruptions, job?.tries], ['queued', 0, 0])
    })

    it('has a job whose call had begun tried again, and counts the interruption', async () => {
      const { jobId } = await addJob(worker, request(), 0)
      const claim = await queue.claim('eu-west-1', at(1), SPACING)
      assert.ok(claim)
      await queue.begin(claim, at(2))
      const other = await successor(9000)
      const { job, events } = await history(jobId)
      assert.deepEqual([job?.state, job?.interruptions], ['queued', 1])
      assert.ok(events.includes('interrupted'), events.join())
      const again = await other.claim('eu-west-1', at(9000 + MINUTE_MS), SPACING)
      assert.deepEqual([again?.job.id, again?.number], [jobId, 2])
    })

    it('holds it at once where an unknown outcome may not be tried again', async () => {
      const { jobId } = await addJob(worker, request(), 0)
      const claim = await queue.claim('eu-west-1', at(1), SPACING)
      assert.ok(claim)
      await queue.begin(claim, at(2))
      await successor(9000, { ...LEAD, unknownTries: 1 })
      assert.equal((await history(jobId)).job?.state, 'held')
    })

    it('takes no lead while its leader gives heartbeats', async () => {
      const other = await store.dispatcher()
      for (let ms = 1000; ms < 3 * STALE_MS; ms += STALE_MS / 2) {
        await queue.heartbeat(ms)
        assert.equal(await other.takeLead(() => at(ms + 1), LEAD), undefined)
      }
    })
  })

  it('pauses all jobs of a bounce sender that SES refuses, and no other', async () => {
    for (const sesId of ['a', 'b']) await worker.add([request({ sesId, deadlineMs: HOUR_MS })], 0)
    await worker.add([request({ sesId: 'other', bounceSender: 'mx@other.example' })], 0)
    const claim = await queue.claim('eu-west-1', at(1), SPACING)
    assert.ok(claim)
    await queue.begin(claim, at(2))
    const effect = {
      state: 'queued',
      what: 'retry',
      notBeforeMs: 5000,
      detail: 'no',
      blocks: 'sender',
    } as const
    await queue.settle(claim, effect, { ms: 3, seenMonoMs: 3 })
    assert.equal((await call(4))?.job.sesId, 'other')
    assert.equal(await queue.claim('eu-west-1', at(5), SPACING), undefined)
    assert.equal((await queue.claim('eu-west-1', at(5000), SPACING))?.job.sesId, 'a')
  })

  it('splits a refused call with several recipients into one for each', async () => {
    for (const name of ['a', 'b', 'c']) {
      await worker.add([request({ sesId: 'mail', recipient: { address: `${name}@yours.example` } })], 0)
    }
    const claim = await queue.claim('eu-west-1', at(1), SPACING)
    assert.equal(claim?.job.recipients.length, 3)
    assert.ok(claim)
    await queue.begin(claim, at(2))
    await queue.settle(claim, { state: 'failed', detail: 'unknown recipient' }, { ms: 3, seenMonoMs: 3 })
    await worker.add([request({ sesId: 'mail', recipient: { address: 'd@yours.example' } })], 4)
    const claims = await inTurn([10, 11, 12, 13], ms => call(ms))
    assert.deepEqual(
      claims.map(one => one?.job.recipients.map(({ address }) => address)),
      [['a@yours.example'], ['b@yours.example'], ['c@yours.example'], ['d@yours.example']],
    )
    const [alone] = claims
    assert.ok(alone)
    await queue.settle(alone, { state: 'failed', detail: 'unknown recipient' }, { ms: 15, seenMonoMs: 15 })
    assert.deepEqual(
      [...(await known(worker, 'mail')).values()].map(({ state }) => state),
      ['failed', 'sending', 'sending', 'sending'],
    )
  })

  it('forgets ended jobs only, and only old ones', async () => {
    for (const sesId of ['sent', 'waiting']) await worker.add([request({ sesId })], 0)
    const claim = await queue.claim('eu-west-1', at(1), SPACING)
    assert.ok(claim)
    await queue.begin(claim, at(2))
    await queue.settle(claim, { state: 'sent', messageId: 'm', detail: '' }, { ms: 1000, seenMonoMs: 3 })
    assert.equal(await queue.prune(1000), 0)
    assert.equal(await queue.prune(1001), 1)
    assert.equal((await known(worker, 'sent')).size, 0)
    assert.equal((await known(worker, 'waiting')).size, 1)
  })

  describe('when the answer of a write was lost, and it is repeated', () => {
    const sent = { state: 'sent', messageId: 'm', detail: 'made' } as const

    async function begun(ms: number): Promise<Claim> {
      const claim = await call(ms)
      assert.ok(claim)
      return claim
    }

    it('a claim gives back what was claimed and never began', async () => {
      const first = await addJob(worker, request(), 0)
      await addJob(worker, request({ deadlineMs: 25 * HOUR_MS }), 0)
      const claims = await inTurn([1, 2], ms => queue.claim('eu-west-1', at(ms), SPACING))
      assert.deepEqual(
        claims.map(claim => [claim?.job.id, claim?.number]),
        [
          [first.jobId, 1],
          [first.jobId, 2],
        ],
      )
      const [lost, claim] = claims
      assert.ok(lost && claim)
      for (const write of [
        () => queue.begin(lost, at(3)),
        () => queue.settle(lost, sent, { ms: 3, seenMonoMs: 3 }),
      ])
        assert.equal(await codeOf(write), 'QUEUE_LOCK_LOST')
      await queue.begin(claim, at(3))
      assert.deepEqual((await history(first.jobId)).events, ['queued', 'claimed', 'released', 'claimed'])
    })

    it('a settled call is answered as it was, and changes nothing, whatever happened to the job meanwhile', async () => {
      await addJob(worker, request({ bounceSender: 'a@yours.example' }), 0)
      const claim = await begun(1)
      const blocked = {
        state: 'queued',
        what: 'retry',
        notBeforeMs: 5000,
        detail: 'not verified',
        blocks: 'sender',
      } as const
      const answer = await queue.settle(claim, blocked, { ms: 2, seenMonoMs: 2 })
      assert.equal(answer.changes.length, 1)
      const before = await history(claim.job.id)
      assert.deepEqual(await queue.settle(claim, blocked, { ms: 3, seenMonoMs: 3 }), answer)
      assert.deepEqual(await history(claim.job.id), before)
      const again = await queue.claim('eu-west-1', at(6000), SPACING)
      assert.equal(again?.number, 2)
      const late = () => queue.settle(claim, blocked, { ms: 6001, seenMonoMs: 6001 })
      assert.equal(await codeOf(late), 'QUEUE_LOCK_LOST')
    })

    it('a split call makes no second job for a recipient', async () => {
      for (const name of ['a', 'b'])
        await worker.add([request({ sesId: 'mail', recipient: { address: `${name}@yours.example` } })], 0)
      const claim = await begun(1)
      const refused = { state: 'failed', detail: 'no' } as const
      const settle = () => queue.settle(claim, refused, { ms: 2, seenMonoMs: 2 })
      assert.deepEqual([(await settle()).state, (await settle()).state], ['split', 'split'])
      assert.equal((await allOf((await store.reader()).jobs({ sesId: 'mail' }))).length, 2)
    })

    it('a job that was given back is left as it is', async () => {
      const { jobId } = await addJob(worker, request(), 0)
      const claim = await queue.claim('eu-west-1', at(1), SPACING)
      assert.ok(claim)
      for (let times = 0; times < 2; times++) await queue.release(claim, 2)
      assert.deepEqual((await history(jobId)).events, ['queued', 'claimed', 'released'])
      assert.equal(await codeOf(() => queue.begin(claim, at(3))), 'QUEUE_LOCK_LOST')
    })

    it('a call that began is begun once', async () => {
      await addJob(worker, request(), 0)
      const claim = await begun(1)
      await queue.begin(claim, at(2))
      assert.equal((await queue.settle(claim, sent, { ms: 3, seenMonoMs: 3 })).state, 'sent')
      assert.equal((await history(claim.job.id)).job?.tries, 1)
    })

    it('the lead that a process has is its own, with a new term', async () => {
      assert.deepEqual([(await takeLead(queue, 1)).term, (await takeLead(queue, 2)).term], [2, 3])
    })
  })
})

// Changes of many jobs by hand in one transaction, with their entry in the audit, and jobs that are tried at once.

import assert from 'node:assert/strict'
import { type AuditAction, auditDraft } from '../../src/queue/audit'
import type { OperatorQueue } from '../../src/queue/operator'
import type { DispatcherQueue, WorkerQueue } from '../../src/queue/store'
import { addJob, due, inTurn, takeLead } from './any-engine'
import { forEachEngine, type Store } from './engines'
import { HOUR_MS, request } from './support'

const PACE = { spacingMs: 1000, forecastMs: 1000, marginMs: 60_000 }
const SPACING = { spacingMs: 0, notBeforeMonoMs: 0, longestPauseMs: HOUR_MS }

const draft = (action: AuditAction, atMs: number, reason?: string) =>
  auditDraft({ who: 'anna', via: 'cli', host: 'web-1' }, action, {
    target: 'state queued',
    atMs,
    ...(reason !== undefined && { reason }),
  })

forEachEngine('changes by hand', makeStore => {
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

  const add = async (changes: Parameters<typeof request>[0] = {}) =>
    (await addJob(worker, request(changes), 0)).jobId
  const stateOf = async (id: string) => (await queue.job(id))?.state
  const entries = async () => (await queue.audit.page({ limit: 100 })).entries

  it('of several jobs have a result for each, in the order of their ids, and one entry in the audit', async () => {
    const ids = await inTurn(Array(5), () => add())
    const audit = draft('hold', 5, 'a new address comes')
    const asked = [ids[2] ?? '', 'none', ids[0] ?? '', ids[4] ?? '']
    assert.deepEqual(await queue.change(asked, { action: 'hold', nowMs: 5, pace: PACE, audit }), [
      { value: { from: 'queued', to: 'held' } },
      { fault: 'there is no such job' },
      { value: { from: 'queued', to: 'held' } },
      { value: { from: 'queued', to: 'held' } },
    ])
    assert.deepEqual(await inTurn(ids, stateOf), ['held', 'queued', 'held', 'queued', 'held'])
    assert.deepEqual(await entries(), [{ ...audit, items: 3 }])
    assert.deepEqual((await queue.history(ids[0] ?? '')).at(-1), {
      atMs: 5,
      what: 'by hand',
      detail: 'queued -> held by anna: a new address comes',
    })
    assert.equal((await queue.job(ids[0] ?? ''))?.reason, 'it was held by hand: a new address comes')
  })

  it('add up in the entry of their action, and those that change nothing have none', async () => {
    const ids = await inTurn(Array(4), () => add())
    const change = { action: 'cancel', nowMs: 5, pace: PACE, audit: draft('cancel', 5) } as const
    await queue.change(ids.slice(0, 2), change)
    await queue.change(ids.slice(2), change)
    await queue.change(ids, { ...change, audit: draft('cancel', 6) })
    assert.deepEqual(await entries(), [{ ...change.audit, items: 4 }])
  })

  it('queue no more jobs again than can start in time, in one region and in another', async () => {
    const room = 3
    const deadlineMs = PACE.marginMs + (room - 1) * 1000
    const ids = await inTurn(Array(10), (_, index) =>
      add({ deadlineMs, region: index % 2 === 0 ? 'eu-west-1' : 'us-east-1' }),
    )
    await queue.change(ids, { action: 'hold', nowMs: 0, pace: PACE })
    const results = await queue.change(ids, { action: 'retry', nowMs: 0, pace: PACE })
    assert.deepEqual(
      results.map(one => 'value' in one),
      [true, true, true, true, true, true, false, false, false, false],
    )
    const last = results.at(-1)
    assert.match(last && 'fault' in last ? last.fault : '', /^it can't start in time: 3 go before it/)
    // the forecast of the next one counts them, once
    const ahead = await worker.look({
      nowMs: 0,
      bounce: { region: 'eu-west-1', deadlineMs, caps: [], nowMonoMs: 0 },
    })
    assert.equal(ahead.bounce?.ahead.jobs, room)
    await queue.change(ids, { action: 'cancel', nowMs: 0, pace: PACE })
    const again = await queue.change(ids, { action: 'retry', nowMs: 0, pace: PACE })
    assert.equal(again.filter(one => 'value' in one).length, 2 * room)
  })

  it('try jobs now that wait for their next attempt, in one region or in all', async () => {
    const NEXT = { state: 'queued', what: 'retry', detail: '503' } as const
    const waits = async (region: string, notBeforeMs: number) => {
      const id = await add({ region })
      const claim = await dispatcher.claim(region, { ms: 1, monoMs: 1 }, SPACING)
      assert.ok(claim)
      await dispatcher.begin(claim, { ms: 1, monoMs: 1 })
      await dispatcher.settle(claim, { ...NEXT, notBeforeMs }, { ms: 1, seenMonoMs: 1 })
      return id
    }
    const eu = await waits('eu-west-1', HOUR_MS / 2)
    const us = await waits('us-east-1', HOUR_MS / 2)
    const isDue = async () =>
      (await due(dispatcher, 10, HOUR_MS)).filter(({ dueMs }) => dueMs <= 10).map(({ region }) => region)
    assert.deepEqual(await isDue(), [])
    const version = (await dispatcher.plan({ nowMs: 10, longestPauseMs: HOUR_MS }))?.version
    assert.ok(version !== undefined)
    assert.deepEqual(await queue.flush('us-east-1', 10, draft('flush', 10, 'SES is back')), {
      jobs: 1,
      lifted: 0,
      isDone: true,
    })
    const plan = await dispatcher.plan({ nowMs: 10, longestPauseMs: HOUR_MS, since: version })
    assert.ok(plan, 'the dispatcher sees that its plan is old')
    assert.deepEqual(await isDue(), ['us-east-1'])
    assert.equal(await dispatcher.flushedMs('us-east-1'), 10)
    assert.equal(await dispatcher.flushedMs('eu-west-1'), 0)
    assert.deepEqual((await queue.history(us)).at(-1), {
      atMs: 10,
      what: 'by hand',
      detail: 'its next attempt is now by anna: SES is back; before: not before 1970-01-01T00:30:00.000Z',
    })
    assert.equal((await queue.job(us))?.tries, 1)
    assert.deepEqual(await queue.flush(undefined, 11, draft('flush', 11)), {
      jobs: 1,
      lifted: 0,
      isDone: true,
    })
    assert.equal((await queue.job(eu))?.notBeforeMs, 0)
    assert.deepEqual(await queue.flush(undefined, 12, draft('flush', 12)), {
      jobs: 0,
      lifted: 0,
      isDone: true,
    })
    assert.deepEqual(
      (await entries()).map(({ action, items }) => [action, items]),
      [
        ['flush', 1],
        ['flush', 1],
      ],
    )
  })

  it('try a limited number of jobs in one transaction, and say whether more wait', async () => {
    const many = await inTurn(Array(101), () => add())
    assert.equal(many.length, 101)
    for (const id of many) await put(id, 5000)
    assert.deepEqual(await queue.flush(undefined, 10), { jobs: 100, lifted: 0, isDone: false })
    assert.deepEqual(await queue.flush(undefined, 10), { jobs: 1, lifted: 0, isDone: true })
  })

  /** Its call was made, and it waits until then. */
  async function put(id: string, notBeforeMs: number): Promise<void> {
    const claim = await dispatcher.claim('eu-west-1', { ms: 1, monoMs: 1 }, SPACING)
    assert.ok(claim, id)
    await dispatcher.begin(claim, { ms: 1, monoMs: 1 })
    const effect = { state: 'queued', what: 'retry', detail: '503', notBeforeMs } as const
    await dispatcher.settle(claim, effect, { ms: 1, seenMonoMs: 1 })
  }

  it('try a sender now that SES refuses, and the region', async () => {
    for (const blocks of ['sender', 'region'] as const) {
      await add({ bounceSender: `${blocks}@yours.example` })
      const claim = await dispatcher.claim('eu-west-1', { ms: 1, monoMs: 1 }, SPACING)
      assert.ok(claim)
      await dispatcher.begin(claim, { ms: 1, monoMs: 1 })
      await dispatcher.settle(
        claim,
        { state: 'queued', what: 'retry', notBeforeMs: 60_000, detail: 'not verified', blocks },
        { ms: 1, seenMonoMs: 1 },
      )
    }
    assert.deepEqual(await queue.flush(undefined, 10), { jobs: 2, lifted: 2, isDone: true })
    const { blocked } = await queue.stats({ ms: 10, monoMs: 10 }, PACE)
    assert.deepEqual(
      blocked.map(({ nextTryMs }) => nextTryMs),
      [10, 10],
      'they are still refused, and are tried now',
    )
    assert.ok(await dispatcher.claim('eu-west-1', { ms: 10, monoMs: 10 }, SPACING))
  })
})

// Changes by hand beside a dispatcher, the order and filters of the list, pauses, and the counts.

import assert from 'node:assert/strict'
import type { JobQuery, OperatorQueue } from '../../src/queue/operator'
import type { QueueStats } from '../../src/queue/stats'
import type { Claim, DispatcherQueue, WorkerQueue } from '../../src/queue/store'
import { addJob, allOf, due, inTurn, setSpacing, takeLead } from './any-engine'
import { byHand } from './by-hand-calls'
import { forEachEngine, type Store } from './engines'
import { HOUR_MS, request } from './support'

const SPACING = { spacingMs: 1000, notBeforeMonoMs: 0, longestPauseMs: 60_000 }
const PACE = { spacingMs: 1000, forecastMs: 1000, marginMs: 60_000 }
const DAY_MS = 24 * HOUR_MS

const NOTHING = {
  pauses: [],
  blocked: [],
  mail: { kept: { bytes: 0, mails: 0 }, quarantine: { bytes: 0, mails: 0 } },
  reload: { isRefused: false },
}

function othersOf({ pauses, blocked, mail, reload }: QueueStats) {
  return { pauses, blocked, mail, reload }
}

forEachEngine("the operator's side", makeStore => {
  let store: Store
  let worker: WorkerQueue
  let dispatcher: DispatcherQueue
  let queue: OperatorQueue

  beforeEach(async () => {
    store = await makeStore()
    worker = await store.worker()
    dispatcher = await store.dispatcher()
    await takeLead(dispatcher)
    queue = await store.operator()
  })
  afterEach(() => store.remove())

  async function add(changes: Parameters<typeof request>[0] = {}, nowMs = 0): Promise<string> {
    return (await addJob(worker, request(changes), nowMs)).jobId
  }

  async function claim(ms: number, region = 'eu-west-1'): Promise<Claim> {
    const claimed = await dispatcher.claim(region, { ms, monoMs: ms }, SPACING)
    assert.ok(claimed)
    return claimed
  }

  async function end(state: 'sent' | 'failed' | 'held', ms: number): Promise<string> {
    const claimed = await claim(ms)
    await dispatcher.begin(claimed, { ms, monoMs: ms })
    const effect =
      state === 'sent'
        ? ({ state, messageId: 'bounce1', detail: 'SES made it' } as const)
        : { state, detail: 'as SES said' }
    await dispatcher.settle(claimed, effect, { ms, seenMonoMs: ms })
    return claimed.job.id
  }

  const lastEvent = async (id: string) => (await queue.history(id)).at(-1)
  const ids = async (query: JobQuery = {}) => (await allOf(queue.jobs(query))).map(({ id }) => id)

  describe('by hand', () => {
    it('holds a queued job, so that no dispatcher claims it, and queues it again', async () => {
      const id = await add()
      assert.deepEqual(await byHand(queue).hold(id, 10), { value: { from: 'queued', to: 'held' } })
      assert.equal(await dispatcher.claim('eu-west-1', { ms: 11, monoMs: 11 }, SPACING), undefined)
      assert.deepEqual(await due(dispatcher, 11, 1000), [])
      assert.deepEqual(await byHand(queue).retry(id, 12, PACE), { value: { from: 'held', to: 'queued' } })
      assert.equal((await claim(13)).job.id, id)
    })

    it('keeps in the history what was done, and why the job was in its state before', async () => {
      await add()
      const id = await end('failed', 5)
      await byHand(queue).retry(id, 20, PACE)
      assert.deepEqual(await lastEvent(id), {
        atMs: 20,
        what: 'by hand',
        detail: 'failed -> queued; before: as SES said',
      })
      assert.equal((await queue.job(id))?.reason, 'it was queued again by hand')
    })

    it('cancels what is queued or held, and the mail counts as ended from then on', async () => {
      const [queued, held] = [await add({ sesId: 'one' }), await add()]
      await byHand(queue).hold(held, 1)
      assert.deepEqual(await byHand(queue).cancel(queued, 2), { value: { from: 'queued', to: 'cancelled' } })
      assert.deepEqual(await byHand(queue).cancel(held, 2), { value: { from: 'held', to: 'cancelled' } })
      assert.equal((await worker.add([request({ sesId: 'one' })], 3))[0]?.outcome, 'ended')
      assert.ok('value' in (await byHand(queue).retry(queued, 4, PACE)))
      assert.ok('value' in (await byHand(queue).retry(held, 4, PACE)))
      assert.equal((await worker.add([request({ sesId: 'one' })], 5))[0]?.outcome, 'known')
    })

    it('gives a job that was held for its tries as many again', async () => {
      await add()
      const id = await end('held', 5)
      assert.equal((await queue.job(id))?.unknownTries, 1)
      await byHand(queue).retry(id, 6, PACE)
      const job = await queue.job(id)
      assert.deepEqual([job?.unknownTries, job?.interruptions, job?.tries], [0, 0, 1])
    })

    it('queues an expired job again while its window lasts', async () => {
      const id = await add({ deadlineMs: HOUR_MS })
      await dispatcher.expire('eu-west-1', HOUR_MS - PACE.marginMs, PACE.marginMs + 1)
      assert.equal((await queue.job(id))?.state, 'expired')
      assert.ok('value' in (await byHand(queue).retry(id, HOUR_MS - PACE.marginMs, PACE)))
    })

    it('refuses a retry after the last moment, and one with too many jobs before it', async () => {
      const id = await add({ deadlineMs: HOUR_MS })
      await end('failed', 5)
      assert.deepEqual(await byHand(queue).retry(id, HOUR_MS - PACE.marginMs + 1, PACE), {
        fault: 'its window has ended: the last moment to send it was 1970-01-01T00:59:00.000Z',
      })
      for (let n = 0; n < 3; n++) await add({ deadlineMs: HOUR_MS - 1 })
      const lastMs = HOUR_MS - PACE.marginMs
      assert.deepEqual(await byHand(queue).retry(id, lastMs - 2999, PACE), {
        fault:
          "it can't start in time: 3 go before it, until 1970-01-01T00:59:00.001Z, and the last moment to send it is 1970-01-01T00:59:00.000Z",
      })
      assert.ok('value' in (await byHand(queue).retry(id, lastMs - 3000, PACE)))
    })

    it('refuses a retry that would have another job expire', async () => {
      const id = await add({ deadlineMs: HOUR_MS })
      await setSpacing(dispatcher, PACE.spacingMs)
      await end('failed', 5)
      for (let n = 0; n < 2; n++) await add({ deadlineMs: HOUR_MS + PACE.spacingMs })
      const lastMs = HOUR_MS - PACE.marginMs
      assert.deepEqual(await byHand(queue).retry(id, lastMs, PACE), {
        fault: 'a bounce with a later deadline could not start in time any more',
      })
      assert.ok('value' in (await byHand(queue).retry(id, lastMs - PACE.spacingMs, PACE)))
    })

    it('leaves alone what is being sent, what was sent, and what is not there', async () => {
      const sent = await add()
      await end('sent', 1)
      const sending = await add()
      await claim(2000)
      const before = await inTurn([sent, sending], async id => [await queue.job(id), await queue.history(id)])
      for (const change of [
        (id: string) => byHand(queue).retry(id, 9, PACE),
        (id: string) => byHand(queue).cancel(id, 9),
        (id: string) => byHand(queue).hold(id, 9),
      ]) {
        assert.deepEqual(await change(sending), {
          fault: 'it is being sent; its call may be on its way',
        })
        const answer = await change(sent)
        assert.match('fault' in answer ? answer.fault : '', /^it is sent; only what is .* can become/)
        assert.deepEqual(await change('nothing'), { fault: 'there is no such job' })
      }
      assert.deepEqual(
        await inTurn([sent, sending], async id => [await queue.job(id), await queue.history(id)]),
        before,
      )
    })

    it('says when there is nothing to change', async () => {
      const id = await add()
      assert.deepEqual(await byHand(queue).retry(id, 1, PACE), { fault: 'it is queued already' })
      await byHand(queue).hold(id, 1)
      assert.deepEqual(await byHand(queue).hold(id, 2), { fault: 'it is held already' })
    })
  })

  describe('pauses', () => {
    it('keep the jobs of a region from being due and from being claimed, until it is resumed', async () => {
      await add()
      await add({ region: 'us-east-1' })
      assert.equal(await queue.pause('eu-west-1', 7), true)
      assert.equal(await queue.pause('eu-west-1', 8), false)
      assert.deepEqual(
        (await due(dispatcher, 9, 1000)).map(({ region }) => region),
        ['us-east-1'],
      )
      assert.equal(await dispatcher.claim('eu-west-1', { ms: 9, monoMs: 9 }, SPACING), undefined)
      assert.deepEqual((await dispatcher.plan({ nowMs: 9, longestPauseMs: 1000 }))?.pauses, [
        { region: 'eu-west-1', sinceMs: 7 },
      ])
      assert.equal(await queue.resume('eu-west-1'), true)
      assert.equal(await queue.resume('eu-west-1'), false)
      assert.equal((await due(dispatcher, 9, 1000)).length, 2)
      await claim(9)
    })

    it('of every region end with all others', async () => {
      await add()
      await queue.pause(undefined, 7)
      await queue.pause('us-east-1', 8)
      assert.deepEqual(await queue.pauses(), [{ sinceMs: 7 }, { region: 'us-east-1', sinceMs: 8 }])
      assert.deepEqual(await due(dispatcher, 9, 1000), [])
      assert.equal(await queue.resume('eu-west-1'), false)
      assert.equal(await queue.resume(undefined), true)
      assert.deepEqual(await queue.pauses(), [])
      assert.equal(await queue.resume(undefined), false)
      await claim(9)
    })

    it('outlive every process, and let jobs expire and be changed by hand', async () => {
      const [first, second] = [await add({ deadlineMs: 100 }), await add()]
      await queue.pause(undefined, 7)
      await queue.close()
      queue = await store.operator()
      assert.deepEqual(await queue.pauses(), [{ sinceMs: 7 }])
      assert.deepEqual(
        (await dispatcher.expire('eu-west-1', 200, 0)).map(({ id }) => id),
        [first],
      )
      assert.ok('value' in (await byHand(queue).hold(second, 201)))
    })
  })

  describe('the list', () => {
    it('has what waits by deadline, then what has ended, latest first', async () => {
      await add({ deadlineMs: HOUR_MS })
      const older = await end('sent', 1000)
      await add({ deadlineMs: HOUR_MS })
      const newer = await end('failed', 3000)
      const late = await add({ deadlineMs: 3 * HOUR_MS })
      const soon = await add({ deadlineMs: HOUR_MS })
      const held = await add({ deadlineMs: 2 * HOUR_MS })
      await byHand(queue).hold(held, 1)
      assert.deepEqual(await ids(), [soon, held, late, newer, older])
      assert.deepEqual(await ids({ limit: 2 }), [soon, held])
      assert.deepEqual(await ids({ states: ['failed', 'queued'] }), [soon, late, newer])
    })

    it('is filtered by region, rule, sender, recipient and id of SES, all at once', async () => {
      const one = await add({ rule: 'one', sender: 'Joe@Origin.example', sesId: 'm1' })
      const two = await add({ region: 'us-east-1', sender: 'ann@sub.origin.example', sesId: 'm2' })
      const three = await add({ sesId: 'm3', recipient: { address: 'Other@yours.example' } })
      assert.deepEqual(await ids({ region: 'us-east-1' }), [two])
      assert.deepEqual(await ids({ rule: 'one' }), [one])
      assert.deepEqual(await ids({ sender: 'joe@ORIGIN.example' }), [one])
      assert.deepEqual(await ids({ sender: '@origin.example' }), [one, three])
      assert.deepEqual(await ids({ sender: '@origin.example', limit: 1 }), [one])
      assert.deepEqual(await ids({ recipient: 'OTHER@yours.example' }), [three])
      assert.deepEqual(await ids({ sesId: 'm2' }), [two])
      assert.deepEqual(await ids({ sesId: 'm2', rule: 'one' }), [])
      assert.deepEqual(await ids({ rule: "' OR 1 --" }), [])
      await add({ sesId: 'm4', sender: 'root' })
      assert.deepEqual(await ids({ sender: '@' }), [], 'nor a sender without a domain')
    })

    it('goes on while jobs are changed and forgotten behind it', async () => {
      // more than any engine reads together
      await store.fill(
        'eu-west-1',
        Array.from({ length: 1200 }, (_, n) => n),
      )
      const list = queue.jobs({ states: ['queued'] })
      const all = await ids()
      const last = all.at(-1) ?? ''
      const seen: string[] = []
      for await (const { id } of list) {
        if (seen.length === 0) await byHand(queue).hold(last, 1)
        seen.push(id)
      }
      assert.deepEqual(seen, all.slice(0, -1))
    })
  })

  describe('at a glance', () => {
    it('counts jobs by state, recipients by rule, and what each region has', async () => {
      await add({ rule: 'one' }, 10)
      await end('sent', 1000)
      await add({ rule: 'one', deadlineMs: HOUR_MS }, 2000)
      await add({ rule: 'two' }, 3000)
      await add({ region: 'us-east-1', rule: 'one' }, 3000)
      await queue.pause('us-east-1', 4000)
      const stats = await queue.stats({ ms: 5000, monoMs: 5000 }, PACE)
      const { states, regions, jobs } = stats
      assert.equal(jobs.find(one => one.region === 'us-east-1' && one.state === 'queued')?.jobs, 1)
      assert.deepEqual([states.sent, states.queued, states.held], [1, 3, 0])
      assert.deepEqual(await queue.countByRule(), [
        { rule: 'one', states: { queued: 2, sent: 1 } },
        { rule: 'two', states: { queued: 1 } },
      ])
      assert.deepEqual(othersOf(stats), { ...NOTHING, pauses: [{ region: 'us-east-1', sinceMs: 4000 }] })
      assert.deepEqual([stats.oldestMs, stats.nextDeadlineMs], [2000, HOUR_MS])
      assert.ok((stats.silentMs ?? -1) >= 0, 'a dispatcher has led')
      assert.deepEqual(regions, [
        {
          region: 'eu-west-1',
          spacingMs: 1000,
          jobMs: 1000,
          queued: 2,
          sending: 0,
          held: 0,
          later: 0,
          nextDeadlineMs: HOUR_MS,
          lastMinute: { calls: 1, sent: 1, throttled: 0 },
          drainMs: 2000,
          willMiss: 0,
        },
        {
          region: 'us-east-1',
          spacingMs: 1000,
          jobMs: 1000,
          queued: 1,
          sending: 0,
          held: 0,
          later: 0,
          nextDeadlineMs: DAY_MS,
          pausedSinceMs: 4000,
          lastMinute: { calls: 0, sent: 0, throttled: 0 },
          willMiss: 1,
          isStopped: true,
        },
      ])
    })

    it('shows senders and regions that SES refuses', async () => {
      for (const blocks of ['sender', 'region'] as const) {
        await add({ region: blocks === 'sender' ? 'eu-west-1' : 'us-east-1' })
        const claimed = await dispatcher.claim(
          blocks === 'sender' ? 'eu-west-1' : 'us-east-1',
          { ms: 10, monoMs: 10 },
          SPACING,
        )
        assert.ok(claimed)
        await dispatcher.begin(claimed, { ms: 10, monoMs: 10 })
        const effect = { state: 'queued', what: 'retry', notBeforeMs: 60_010, detail: 'no', blocks } as const
        await dispatcher.settle(claimed, effect, { ms: 10, seenMonoMs: 10 })
      }
      assert.deepEqual((await queue.stats({ ms: 20, monoMs: 20 }, PACE)).blocked, [
        { region: 'eu-west-1', bounceSender: 'mailer-daemon@yours.example', nextTryMs: 60_010, why: 'no' },
        { region: 'us-east-1', nextTryMs: 60_010, why: 'no' },
      ])
    })

    it('counts calls that ended within the last minute', async () => {
      await add()
      await end('failed', 1000)
      const calls = async (nowMs: number) =>
        (await queue.stats({ ms: nowMs, monoMs: nowMs }, PACE)).regions[0]?.lastMinute.calls
      assert.equal(await calls(60_999), 1)
      assert.equal(await calls(61_000), 0)
    })

    it('shows the present pace of a region, and forecasts with the duration of its jobs', async () => {
      for (let n = 0; n < 4; n++) await add()
      await setSpacing(dispatcher, 1000, new Map([['eu-west-1', 2500]]))
      const claim = await dispatcher.claim('eu-west-1', { ms: 0, monoMs: 0 }, SPACING)
      assert.ok(claim)
      const throttled = { state: 'queued', what: 'throttled', notBeforeMs: 0, detail: '' } as const
      await dispatcher.settle(claim, throttled, { ms: 0, seenMonoMs: 0, slowdown: 1.5 })
      const lane = async () => (await queue.stats({ ms: 0, monoMs: 0 }, PACE)).regions[0]
      assert.equal((await lane())?.drainMs, undefined, 'none has passed')
      await end('sent', 0)
      const region = await lane()
      assert.deepEqual([region?.spacingMs, region?.jobMs, region?.drainMs], [1500, 2500, 7500])
      await add({ region: 'us-east-1' })
      const plans = (await dispatcher.plan({ nowMs: 0, longestPauseMs: 0 }))?.regions
      assert.deepEqual(
        plans?.map(({ slowdown }) => slowdown),
        [1.5, 1],
      )
    })

    it('forecasts the jobs that miss their window, without counting them before others', async () => {
      // 59 s are left before the margin, for jobs 1 s apart: the first starts at once
      for (let n = 0; n < 70; n++) await add({ deadlineMs: PACE.marginMs + 59_000 })
      await add()
      const region = (await queue.stats({ ms: 0, monoMs: 0 }, PACE)).regions[0]
      assert.deepEqual([region?.willMiss, region?.drainMs], [10, 61_000])
    })

    it('is empty in an empty queue', async () => {
      const stats = await queue.stats({ ms: 0, monoMs: 0 }, PACE)
      const { states, regions, jobs, oldestMs, nextDeadlineMs } = stats
      assert.deepEqual(new Set(Object.values(states)), new Set([0]))
      assert.deepEqual([await queue.countByRule(), regions, jobs, othersOf(stats)], [[], [], [], NOTHING])
      assert.deepEqual([oldestMs, nextDeadlineMs], [undefined, undefined])
    })
  })
})

// The queue in numbers, held against what counting every job says.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { QueueReader } from '../../src/queue/operator'
import { project } from '../../src/queue/stats'
import type { DispatcherQueue, Effect } from '../../src/queue/store'
import { allOf, takeLead } from './any-engine'
import { byHand } from './by-hand-calls'
import { forEachEngine, type Store } from './engines'
import { HOUR_MS, request } from './support'

const REGION = 'eu-west-1'
const PACE = { spacingMs: 1000, forecastMs: 1035, marginMs: 60_000 }
const SPACING = { spacingMs: 0, notBeforeMonoMs: 0, longestPauseMs: 60_000 }
const NOW_MS = 1_700_000_000_123

/** Bounces whose time is over, and some for which it isn't: what chance alone might leave out. With their spacing. */
const IN_TIME_IN_PART = [250, 1000, 1005, 2600, 30_000, 30_000].map(
  (spacingMs, n): [{ atMs: number; jobs: number; everyMs: number }[], number] => [
    [
      { atMs: 0, jobs: 3 + n, everyMs: 150 },
      { atMs: HOUR_MS, jobs: 2 + n, everyMs: 900 },
    ],
    spacingMs,
  ],
)

forEachEngine('the queue in numbers', (makeStore, { runs }) => {
  let store: Store
  let watcher: QueueReader | undefined

  beforeEach(async () => {
    store = await makeStore()
  })
  afterEach(async () => {
    watcher = undefined
    await store.remove()
  })

  async function fill(deadlines: readonly number[], region = REGION): Promise<void> {
    await store.fill(region, deadlines)
  }

  it('count jobs by region and state through every change that there is', async () => {
    const worker = await store.worker()
    const dispatcher = await store.dispatcher()
    const operator = await store.operator()
    const reader = await store.reader()
    await takeLead(dispatcher)
    const counted = async () => {
      const numbers = new Map<string, number>()
      for (const { region, state } of await allOf(reader.jobs()))
        numbers.set(`${region} ${state}`, (numbers.get(`${region} ${state}`) ?? 0) + 1)
      return [...numbers].map(([what, n]) => `${what} ${n}`).toSorted()
    }
    const kept = async () =>
      (await reader.stats({ ms: 0, monoMs: 0 }, PACE)).jobs
        .filter(({ jobs }) => jobs !== 0)
        .map(({ region, state, jobs }) => `${region} ${state} ${jobs}`)
        .toSorted()
    const check = async (most: string[]) => {
      assert.deepEqual(await kept(), most)
      assert.deepEqual(await kept(), (await counted()).toSorted())
    }
    try {
      const ids = (
        await worker.add([request(), request(), request({ region: 'us-east-1' }), request(), request()], 1)
      ).map(({ jobId }) => jobId)
      await check(['eu-west-1 queued 4', 'us-east-1 queued 1'])
      await byHand(operator).hold(ids[0] ?? '', 1)
      await byHand(operator).cancel(ids[2] ?? '', 1)
      await check(['eu-west-1 held 1', 'eu-west-1 queued 3', 'us-east-1 cancelled 1'])
      const claim = await dispatcher.claim(REGION, { ms: 1, monoMs: 1 }, SPACING)
      assert.ok(claim)
      await check(['eu-west-1 held 1', 'eu-west-1 queued 2', 'eu-west-1 sending 1', 'us-east-1 cancelled 1'])
      await dispatcher.begin(claim, { ms: 2, monoMs: 2 })
      await dispatcher.settle(claim, { state: 'sent', messageId: 'm', detail: 'd' }, { ms: 3, seenMonoMs: 3 })
      assert.equal((await dispatcher.expire(REGION, 1e15, 0)).length, 2)
      await check(['eu-west-1 expired 2', 'eu-west-1 held 1', 'eu-west-1 sent 1', 'us-east-1 cancelled 1'])
      assert.equal(await dispatcher.prune(1e16), 4)
      await check(['eu-west-1 held 1'])
    } finally {
      for (const one of [worker, dispatcher, operator, reader]) await one.close()
    }
  })

  it('say of each region how long it takes, at what pace, how soon the first, and what stands still', async () => {
    const worker = await store.worker()
    const operator = await store.operator()
    const reader = await store.reader()
    const dispatcher = await store.dispatcher()
    await takeLead(dispatcher)
    try {
      await worker.add(
        [request({ deadlineMs: NOW_MS + 61_000 }), request({ deadlineMs: NOW_MS + 60_500 })],
        1,
      )
      await worker.add([request({ region: 'us-east-1', deadlineMs: NOW_MS + 90_000 })], 1)
      await operator.pause('us-east-1', 1)
      for (const [ms, blocks] of [
        [2, 'sender'],
        [6, 'region'],
      ] as const) {
        const claim = await dispatcher.claim(REGION, { ms, monoMs: ms }, SPACING)
        assert.ok(claim)
        await dispatcher.begin(claim, { ms, monoMs: ms })
        const effect = { state: 'queued', what: 'retry', notBeforeMs: ms + 3, detail: 'no', blocks } as const
        await dispatcher.settle(claim, effect, { ms, seenMonoMs: ms, slowdown: 3 })
      }
      const none = { calls: 0, sent: 0, throttled: 0 }
      const { regions, blocked } = await reader.stats({ ms: NOW_MS, monoMs: 0 }, PACE)
      assert.deepEqual(regions, [
        {
          region: REGION,
          spacingMs: 3000,
          jobMs: 1000,
          queued: 2,
          sending: 0,
          held: 0,
          later: 0,
          nextDeadlineMs: NOW_MS + 60_500,
          lastMinute: none,
          // SES accepts nothing in the region
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
          nextDeadlineMs: NOW_MS + 90_000,
          pausedSinceMs: 1,
          lastMinute: none,
          willMiss: 1,
          isStopped: true,
        },
      ])
      assert.deepEqual(
        blocked.map(({ region, bounceSender, nextTryMs }) => [region, bounceSender, nextTryMs]),
        [
          [REGION, undefined, 9],
          [REGION, 'mailer-daemon@yours.example', 5],
        ],
      )
    } finally {
      for (const one of [worker, operator, reader]) await one.close()
    }
  })

  it('foresee a short queue to the job', async () => {
    const deadlines = Array.from({ length: 300 }, (_, n) => NOW_MS + 70_000 + n * 700)
    await fill(deadlines)
    const exact = project(deadlines, NOW_MS, PACE)
    assert.ok(exact.willMiss > 0)
    assert.deepEqual(await foreseen(NOW_MS), exact)
  })

  it('forecast that earlier jobs in one part of an hour use the time of another', async () => {
    const fromMs = Math.ceil(NOW_MS / HOUR_MS) * HOUR_MS
    const minutes = Array.from({ length: 5 }, (_, n) => fromMs + (n + 1) * 250_000)
    const deadlines = minutes.flatMap(ms => Array.from({ length: 300 }, () => ms))
    await fill(deadlines)
    const nowMs = fromMs - PACE.marginMs
    const exact = project(deadlines, nowMs, PACE)
    assert.ok(exact.willMiss > 200)
    assert.deepEqual(await foreseen(nowMs), exact)
  })

  it('forecast a queue of thousands to the job, whatever its deadlines and its pace', async () => {
    const times = fc.array(
      fc.record({
        atMs: fc.integer({ min: 0, max: 6 * HOUR_MS }),
        jobs: fc.integer({ min: 1, max: 60 }),
        everyMs: fc.constantFrom(0, 150, 900, 1000, 1100, 20_000),
      }),
      { minLength: 1, maxLength: 40 },
    )
    const spacings = fc.constantFrom(250, 1000, 1005, 2600, 30_000)
    let cut = 0
    await fc.assert(
      fc.asyncProperty(times, spacings, async (bursts, spacingMs) => {
        const deadlines = bursts
          .flatMap(({ atMs, jobs, everyMs }) =>
            Array.from({ length: jobs }, (_, n) => NOW_MS + atMs + n * everyMs),
          )
          .toSorted((a, b) => a - b)
        await fill(deadlines)
        const exact = project(deadlines, NOW_MS, { spacingMs, marginMs: PACE.marginMs })
        assert.deepEqual(await foreseen(NOW_MS, spacingMs), exact)
        if (exact.willMiss > 0 && exact.drainMs > 0) cut += 1
      }),
      { numRuns: IN_TIME_IN_PART.length + runs(60), examples: IN_TIME_IN_PART },
    )
    assert.ok(cut > runs(60) / 12, `only ${cut} queues were in time in part`)
  })

  describe('where not all goes out', () => {
    let dispatcher: DispatcherQueue
    let reader: QueueReader
    beforeEach(async () => {
      dispatcher = await store.dispatcher()
      reader = await store.reader()
      await takeLead(dispatcher)
    })
    afterEach(async () => {
      for (const one of [dispatcher, reader]) await one.close()
    })

    async function lane(region = REGION) {
      const { regions } = await reader.stats({ ms: NOW_MS, monoMs: 0 }, PACE)
      const { drainMs, willMiss, isStopped } = regions.find(one => one.region === region) ?? assert.fail()
      return { drainMs, willMiss, isStopped }
    }

    async function addAll(deadlines: readonly number[], region = REGION): Promise<void> {
      const worker = await store.worker()
      await worker.add(
        deadlines.map(deadlineMs => request({ region, deadlineMs })),
        NOW_MS - 10,
      )
      await worker.close()
    }

    async function call(effect: Effect, nowMs = NOW_MS, region = REGION): Promise<void> {
      const claim = await dispatcher.claim(region, { ms: nowMs, monoMs: 0 }, SPACING)
      assert.ok(claim)
      await dispatcher.begin(claim, { ms: nowMs, monoMs: 0 })
      await dispatcher.settle(claim, effect, { ms: nowMs, seenMonoMs: 0 })
    }

    const again = (afterMs: number, more: { blocks?: 'sender' | 'region' } = {}): Effect => ({
      state: 'queued',
      what: 'retry',
      notBeforeMs: NOW_MS + afterMs,
      detail: 'Error: connect ECONNREFUSED',
      ...more,
    })
    const MARGIN = PACE.marginMs
    const IN_TIME = NOW_MS + MARGIN + 10_000

    it('count all jobs of a pause as too late, and leave open when they are sent', async () => {
      await addAll([IN_TIME, IN_TIME + HOUR_MS])
      await addAll([IN_TIME], 'us-east-1')
      assert.deepEqual(await lane(), { drainMs: 2000, willMiss: 0, isStopped: undefined })
      const operator = await store.operator()
      try {
        await operator.pause(REGION, NOW_MS)
        assert.deepEqual(await lane(), { drainMs: undefined, willMiss: 2, isStopped: true })
        assert.deepEqual(await lane('us-east-1'), { drainMs: 1000, willMiss: 0, isStopped: undefined })
        await operator.pause(undefined, NOW_MS)
        assert.deepEqual(await lane('us-east-1'), { drainMs: undefined, willMiss: 1, isStopped: true })
        await operator.resume(undefined)
        assert.deepEqual(await lane(), { drainMs: 2000, willMiss: 0, isStopped: undefined })
      } finally {
        await operator.close()
      }
    })

    it('leave open when jobs are sent of which SES accepts none, or none of their sender', async () => {
      for (const blocks of ['sender', 'region'] as const) {
        await addAll([IN_TIME, IN_TIME + HOUR_MS, IN_TIME + HOUR_MS], blocks)
        await call(again(60_000, { blocks }), NOW_MS, blocks)
        const { drainMs } = await lane(blocks)
        assert.equal(drainMs, undefined)
      }
      // one waits for its next try past its last moment; in the region that counts for the others, too
      assert.equal((await lane('sender')).willMiss, 1)
      await addAll([IN_TIME, IN_TIME], 'region')
      assert.equal((await lane('region')).willMiss, 3)
    })

    it('count from the next try on while SES is not reached', async () => {
      await fill([
        NOW_MS + MARGIN + 30_000,
        NOW_MS + MARGIN + 40_500,
        NOW_MS + MARGIN + 40_900,
        IN_TIME + HOUR_MS,
      ])
      for (let n = 0; n < 4; n++) await call(again(40_000))
      // the first waits too long; of the next two only one can be made in the second that is left
      assert.deepEqual(await lane(), { drainMs: undefined, willMiss: 2, isStopped: undefined })
    })

    it('count the pause before the next try of a job, also where others go out', async () => {
      await addAll([IN_TIME, IN_TIME + 60_000, IN_TIME + HOUR_MS, IN_TIME + HOUR_MS])
      await call(again(20_000), NOW_MS - 2)
      await call(again(45_000), NOW_MS - 2)
      await call({ state: 'sent', messageId: 'm', detail: 'd' }, NOW_MS - 1)
      // the first can't be in time any more; the second starts after 45 s, and takes a second
      assert.deepEqual(await lane(), { drainMs: 46_000, willMiss: 1, isStopped: undefined })
    })
  })

  /** By a process that has looked at the queue before. */
  async function foreseen(nowMs: number, spacingMs = PACE.spacingMs) {
    watcher ??= await store.reader()
    const [region] = (await watcher.stats({ ms: nowMs, monoMs: 0 }, { ...PACE, spacingMs })).regions
    assert.ok(region)
    return { drainMs: region.drainMs, willMiss: region.willMiss }
  }
})

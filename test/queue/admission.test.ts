import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Forecast, latenessOf, SLOT_MS } from '../../src/queue/forecast'
import type { DispatcherQueue, Eventually, WorkerQueue } from '../../src/queue/store'
import { ahead, setSpacing, takeLead } from './any-engine'
import { forEachEngine, type Store } from './engines'
import { request } from './support'

const REGION = 'eu-west-1'
const PACE = { spacingMs: 1035, marginMs: 60_000 }

forEachEngine('admission', (makeStore, { runs }) => {
  let store: Store
  let queue: WorkerQueue

  beforeEach(async () => {
    store = await makeStore()
    queue = await store.worker()
  })
  afterEach(() => store.remove())

  const forecast = (spacingMs = PACE.spacingMs): Forecast => ({ nowMonoMs: 0, ...PACE, spacingMs })

  async function lateness(deadlineMs: number, nowMs: number, spacingMs?: number): Promise<string> {
    const { nowMonoMs, ...pace } = forecast(spacingMs)
    return latenessOf(await ahead(queue, REGION, deadlineMs, nowMonoMs), deadlineMs, nowMs, pace) ?? 'in time'
  }

  async function dispatcher(work: (queue: DispatcherQueue) => Eventually<unknown>): Promise<void> {
    const one = await store.dispatcher()
    await takeLead(one)
    await work(one)
    await one.giveUpLead()
    await one.close()
  }

  it('refuses a job that could not start in time itself', async () => {
    const deadlineMs = PACE.marginMs + 3 * PACE.spacingMs + SLOT_MS
    for (let n = 0; n < 4; n++) await queue.add([request({ deadlineMs })], 0, { forecast: forecast() })
    assert.equal(await lateness(deadlineMs, 0), 'itself')
    assert.equal(await lateness(deadlineMs + PACE.spacingMs, 0), 'in time')
  })

  it('refuses a job with an early deadline that would push a later one over its end', async () => {
    const deadlineMs = PACE.marginMs + 3 * PACE.spacingMs + SLOT_MS
    for (let n = 0; n < 4; n++) await queue.add([request({ deadlineMs })], 0, { forecast: forecast() })
    assert.equal(await lateness(deadlineMs - 2 * SLOT_MS, 0), 'another')
  })

  it('adds nothing of a mail that would be late because another worker was faster', async () => {
    const deadlineMs = PACE.marginMs + 2 * SLOT_MS
    const other = await store.worker()
    const add = (worker: WorkerQueue, ...deadlines: number[]) =>
      worker.add(
        deadlines.map(one => request({ deadlineMs: one })),
        0,
        { forecast: forecast() },
      )
    await add(other, deadlineMs)
    await add(queue, deadlineMs)
    assert.deepEqual(
      (await add(queue, deadlineMs + 90 * SLOT_MS, deadlineMs)).map(({ outcome }) => outcome),
      ['added', 'overloaded'],
    )
    assert.equal((await ahead(queue, REGION, deadlineMs + 100 * SLOT_MS, 0)).jobs, 2)
    await other.close()
  })

  it('lets a recipient join a call that waits, however long the queue', async () => {
    const deadlineMs = PACE.marginMs + SLOT_MS
    const to = (address: string) => request({ sesId: 'a', deadlineMs, recipient: { address } })
    await queue.add([to('a@yours.example')], 0, { forecast: forecast() })
    assert.equal(
      (await queue.add([to('b@yours.example')], 900, { forecast: forecast() }))[0]?.outcome,
      'joined',
    )
  })

  it('agrees with a plain schedule of all jobs, soonest deadline first, whatever comes, goes and changes', async () => {
    let tried = 0
    let refused = 0
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 1, maxLength: 120 }), async script => {
        await reopen()
        let nowMs = 1_000_000
        let spacingMs = 100
        let waiting: number[] = []
        for (const step of script) {
          nowMs += step.passedMs
          if (step.kind === 'pace') {
            spacingMs = step.spacingMs
            await dispatcher(one => setSpacing(one, spacingMs))
          } else if (step.kind === 'end') {
            const firstMs = Math.min(...waiting)
            await dispatcher(one => one.expire(REGION, firstMs, 1))
            waiting = waiting.filter(one => one > firstMs)
          } else {
            const deadlineMs = nowMs + PACE.marginMs + step.leftMs
            const found = await lateness(deadlineMs, nowMs, spacingMs)
            assert.equal(found === 'in time', mayJoin(deadlineMs, waiting, nowMs, spacingMs))
            tried += 1
            if (found !== 'in time') refused += 1
            else {
              await queue.add([request({ deadlineMs })], nowMs, { forecast: forecast(spacingMs) })
              waiting.push(deadlineMs)
            }
          }
        }
      }),
      { numRuns: 1 + runs(40), examples: [[CROWD.map(one => ({ kind: 'add' as const, ...one }))]] },
    )
    assert.ok(refused >= 5 && refused <= tried - 5, `${refused} of ${tried} refused: both must be tried`)
  })

  it('admits bounces that can start in time, and all of them do', async () => {
    let sent = 0
    let refused = 0
    await fc.assert(
      fc.asyncProperty(fc.array(arrivals, { minLength: 1, maxLength: 80 }), async script => {
        await reopen()
        const one = await store.dispatcher()
        await takeLead(one)
        let nowMs = 1_000_000
        const sendUntil = async (endMs: number) => {
          for (;;) {
            const now = { ms: nowMs, monoMs: nowMs }
            const spacing = { spacingMs: PACE.spacingMs, notBeforeMonoMs: 0, longestPauseMs: 0 }
            if (
              nowMs - (await ahead(queue, REGION, endMs * 2, nowMs)).sinceLastStartMs + PACE.spacingMs >
              endMs
            )
              break
            const claim = await one.claim(REGION, now, spacing)
            if (claim === undefined) break
            nowMs = claim.startAtMonoMs
            assert.ok(nowMs <= claim.job.deadlineMs - PACE.marginMs, 'it starts in time')
            await one.begin(claim, { ms: nowMs, monoMs: nowMs })
            await one.settle(
              claim,
              { state: 'sent', messageId: 'm', detail: '' },
              { ms: nowMs, seenMonoMs: nowMs },
            )
            sent += 1
          }
          nowMs = Math.max(nowMs, endMs)
        }
        for (const { passedMs, leftMs } of script) {
          await sendUntil(nowMs + passedMs)
          const deadlineMs = nowMs + PACE.marginMs + leftMs
          const supposed = { ...PACE, nowMonoMs: nowMs }
          if (latenessOf(await ahead(queue, REGION, deadlineMs, nowMs), deadlineMs, nowMs, supposed))
            refused += 1
          else await queue.add([request({ deadlineMs })], nowMs, { forecast: supposed })
        }
        await sendUntil(nowMs + 10_000_000)
        await one.giveUpLead()
        await one.close()
      }),
      { numRuns: 1 + runs(20), examples: [[CROWD]] },
    )
    assert.ok(sent >= 5 && refused >= 5, `${sent} sent, ${refused} refused: both must be tried`)
  })

  /** An empty queue. */
  async function reopen(): Promise<void> {
    await store.remove()
    store = await makeStore()
    queue = await store.worker()
  }
})

/**
 * Whether it and all that aren't due before it would start in time, one each spacing from now on, with their deadlines
 * as whole seconds. Those before it go their way as before.
 */
function mayJoin(deadlineMs: number, waiting: readonly number[], nowMs: number, spacingMs: number): boolean {
  const inSeconds = [...waiting, deadlineMs].map(one => one - (one % SLOT_MS)).toSorted((a, b) => a - b)
  return inSeconds.every(
    (one, n) => one < deadlineMs - (deadlineMs % SLOT_MS) || nowMs + n * spacingMs <= one - PACE.marginMs,
  )
}

/**
 * Fifty bounces at once that have 10 s, of which only some can start in time: both outcomes are in each run, whatever
 * else is generated.
 */
const CROWD = Array.from({ length: 50 }, () => ({ passedMs: 0, leftMs: 10_000 }))

/** Deadlines that crowd, over several slots of each level. */
const steps = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('add' as const),
      passedMs: fc.nat(40),
      leftMs: fc.oneof(fc.nat(4000), fc.nat(20_000), fc.nat(600_000)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('end' as const), passedMs: fc.nat(200) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('pace' as const),
      passedMs: fc.nat(5),
      spacingMs: fc.integer({ min: 20, max: 900 }),
    }),
  },
)

const arrivals = fc.record({
  passedMs: fc.nat(900),
  leftMs: fc.oneof(fc.nat(5000), fc.nat(30_000), fc.nat(600_000)),
})

import assert from 'node:assert/strict'
import path from 'node:path'
import fc from 'fast-check'
import { type Forecast, latenessOf, SLOT_MS } from '../../src/queue/forecast'
import { Database } from '../../src/queue/sqlite/database'
import {
  openDispatcherQueue,
  openWorkerQueue,
  type SqliteDispatcherQueue,
  type SqliteWorkerQueue,
} from '../../src/queue/sqlite/open'
import { waitingDeadlines } from '../../src/queue/sqlite/waiting-deadlines'
import { ahead, request, setSpacing, takeLead, temporaryFolder } from './support'

const REGION = 'eu-west-1'
const PACE = { spacingMs: 1035, marginMs: 60_000 }

describe('admission', () => {
  let file: string
  let queue: SqliteWorkerQueue
  let remove: () => void

  beforeEach(() => {
    const { folder, remove: removeFolder } = temporaryFolder()
    remove = removeFolder
    file = path.join(folder, 'queue.sqlite')
    queue = openWorkerQueue(file, { create: true })
  })
  afterEach(() => {
    queue.close()
    remove()
  })

  const forecast = (spacingMs = PACE.spacingMs): Forecast => ({ nowMonoMs: 0, ...PACE, spacingMs })

  function lateness(deadlineMs: number, nowMs: number, spacingMs?: number): string {
    const { nowMonoMs, ...pace } = forecast(spacingMs)
    return latenessOf(ahead(queue, REGION, deadlineMs, nowMonoMs), deadlineMs, nowMs, pace) ?? 'in time'
  }

  function dispatcher(work: (queue: SqliteDispatcherQueue) => void): void {
    const one = openDispatcherQueue(file)
    takeLead(one)
    work(one)
    one.giveUpLead()
    one.close()
  }

  it('refuses a job that could not start in time itself', () => {
    const deadlineMs = PACE.marginMs + 3 * PACE.spacingMs + SLOT_MS
    for (let n = 0; n < 4; n++) queue.add([request({ deadlineMs })], 0, { forecast: forecast() })
    assert.equal(lateness(deadlineMs, 0), 'itself')
    assert.equal(lateness(deadlineMs + PACE.spacingMs, 0), 'in time')
  })

  it('refuses a job with an early deadline that would push a later one over its end', () => {
    const deadlineMs = PACE.marginMs + 3 * PACE.spacingMs + SLOT_MS
    for (let n = 0; n < 4; n++) queue.add([request({ deadlineMs })], 0, { forecast: forecast() })
    assert.equal(lateness(deadlineMs - 2 * SLOT_MS, 0), 'another')
  })

  it('adds nothing of a mail that would be late because another worker was faster', () => {
    const deadlineMs = PACE.marginMs + 2 * SLOT_MS
    const other = openWorkerQueue(file)
    const add = (worker: SqliteWorkerQueue, ...deadlines: number[]) =>
      worker.add(
        deadlines.map(one => request({ deadlineMs: one })),
        0,
        { forecast: forecast() },
      )
    add(other, deadlineMs)
    add(queue, deadlineMs)
    assert.deepEqual(
      add(queue, deadlineMs + 90 * SLOT_MS, deadlineMs).map(({ outcome }) => outcome),
      ['added', 'overloaded'],
    )
    assert.equal(ahead(queue, REGION, deadlineMs + 100 * SLOT_MS, 0).jobs, 2)
    other.close()
  })

  it('lets a recipient join a call that waits, however long the queue', () => {
    const deadlineMs = PACE.marginMs + SLOT_MS
    const to = (address: string) => request({ sesId: 'a', deadlineMs, recipient: { address } })
    queue.add([to('a@yours.example')], 0, { forecast: forecast() })
    assert.equal(queue.add([to('b@yours.example')], 900, { forecast: forecast() })[0]?.outcome, 'joined')
  })

  it('agrees with a plain schedule of all jobs, soonest deadline first, whatever comes, goes and changes', () => {
    let tried = 0
    let refused = 0
    fc.assert(
      fc.property(fc.array(steps, { minLength: 1, maxLength: 120 }), script => {
        reopen()
        let nowMs = 1_000_000
        let spacingMs = 100
        let waiting: number[] = []
        for (const step of script) {
          nowMs += step.passedMs
          if (step.kind === 'pace') {
            spacingMs = step.spacingMs
            dispatcher(one => setSpacing(one, spacingMs))
          } else if (step.kind === 'end') {
            const firstMs = Math.min(...waiting)
            dispatcher(one => one.expire(REGION, firstMs, 1))
            waiting = waiting.filter(one => one > firstMs)
          } else {
            const deadlineMs = nowMs + PACE.marginMs + step.leftMs
            const found = lateness(deadlineMs, nowMs, spacingMs)
            assert.equal(found === 'in time', mayJoin(deadlineMs, waiting, nowMs, spacingMs))
            tried += 1
            if (found !== 'in time') refused += 1
            else {
              queue.add([request({ deadlineMs })], nowMs, { forecast: forecast(spacingMs) })
              waiting.push(deadlineMs)
            }
          }
        }
      }),
      { numRuns: 40 },
    )
    assert.ok(refused > tried / 20 && refused < tried, `${refused} of ${tried} refused: both must be tried`)
  })

  it('admits bounces that can start in time, and all of them do', () => {
    let sent = 0
    let refused = 0
    fc.assert(
      fc.property(fc.array(arrivals, { minLength: 1, maxLength: 80 }), script => {
        reopen()
        const one = openDispatcherQueue(file)
        takeLead(one)
        let nowMs = 1_000_000
        const sendUntil = (endMs: number) => {
          for (;;) {
            const now = { ms: nowMs, monoMs: nowMs }
            const spacing = { spacingMs: PACE.spacingMs, notBeforeMonoMs: 0, longestPauseMs: 0 }
            if (nowMs - ahead(queue, REGION, endMs * 2, nowMs).sinceLastStartMs + PACE.spacingMs > endMs)
              break
            const claim = one.claim(REGION, now, spacing)
            if (claim === undefined) break
            nowMs = claim.startAtMonoMs
            assert.ok(nowMs <= claim.job.deadlineMs - PACE.marginMs, 'it starts in time')
            one.begin(claim, { ms: nowMs, monoMs: nowMs })
            one.settle(claim, { state: 'sent', messageId: 'm', detail: '' }, { ms: nowMs, seenMonoMs: nowMs })
            sent += 1
          }
          nowMs = Math.max(nowMs, endMs)
        }
        for (const { passedMs, leftMs } of script) {
          sendUntil(nowMs + passedMs)
          const deadlineMs = nowMs + PACE.marginMs + leftMs
          const supposed = { ...PACE, nowMonoMs: nowMs }
          if (latenessOf(ahead(queue, REGION, deadlineMs, nowMs), deadlineMs, nowMs, supposed)) refused += 1
          else queue.add([request({ deadlineMs })], nowMs, { forecast: supposed })
        }
        sendUntil(nowMs + 10_000_000)
        one.giveUpLead()
        one.close()
      }),
      { numRuns: 20 },
    )
    assert.ok(
      sent > refused / 20 && refused > sent / 20,
      `${sent} sent, ${refused} refused: both must be tried`,
    )
  })

  function reopen(): void {
    queue.close()
    const database = new Database(file, { busyMs: 0, create: false })
    for (const table of ['job', 'region']) database.run(`DELETE FROM ${table}`)
    const waiting = [...waitingDeadlines(database).all().values()].flatMap(one => one.deadlines())
    assert.deepEqual(waiting, [], 'no deadline is left without a job')
    database.close()
    queue = openWorkerQueue(file)
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

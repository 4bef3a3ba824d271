import assert from 'node:assert/strict'
import path from 'node:path'
import Driver from 'libsql'
import { latenessOf } from '../../../src/queue/forecast'
import {
  openDispatcherQueue,
  openWorkerQueue,
  type SqliteDispatcherQueue,
  type SqliteWorkerQueue,
} from '../../../src/queue/sqlite/open'
import { ahead, request, setSpacing, takeLead, temporaryFolder } from '../support'

/** The number of bounces that SES sends in a day. */
const FULL = 86_400
const SPACING_MS = 1000
const FORECAST = { nowMonoMs: 0, spacingMs: SPACING_MS, marginMs: 60_000 }
const REGION = 'eu-west-1'
const ROUNDS = 150
/** Measured: 1.2. A machine with other work to do must not fail it; counting the queue would be 20 times the cost. */
const MOST = 3

describe('with a day of bounces waiting', function () {
  const removes: (() => void)[] = []
  const sides: { worker: SqliteWorkerQueue; dispatcher: SqliteDispatcherQueue }[] = []
  before(() => {
    for (const jobs of [0, FULL]) sides.push(withJobs(jobs))
  })
  after(() => {
    for (const { worker, dispatcher } of sides) {
      worker.close()
      dispatcher.close()
    }
    for (const remove of removes) remove()
  })

  /** Written in one go, past the plugin; the triggers sum them up. */
  function withJobs(jobs: number) {
    const { folder, remove } = temporaryFolder()
    removes.push(remove)
    const file = path.join(folder, 'queue.sqlite')
    openWorkerQueue(file, { create: true }).close()
    const database = new Driver(file)
    try {
      database.prepare('INSERT INTO region (name) VALUES (?)').run(REGION)
      database
        .prepare(
          `WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
           INSERT INTO job (id, state, region, ses_id, sender, bounce_sender, reporting_mta, received_ms, deadline_ms,
             created_ms, changed_ms, sender_key)
           SELECT 'job' || n, 'queued', ?2, 'old' || n, 's@origin.example', 'b@yours.example', 'dns; mx', 0,
             ?3 + n * ?4, 0, 0, 's' || n FROM n WHERE n <= ?1 AND ?1 > 0`,
        )
        .run(jobs, REGION, FORECAST.marginMs + 2 * ROUNDS * SPACING_MS, SPACING_MS)
    } finally {
      database.close()
    }
    const dispatcher = openDispatcherQueue(file)
    takeLead(dispatcher)
    setSpacing(dispatcher, SPACING_MS)
    return { worker: openWorkerQueue(file), dispatcher }
  }

  it('all of them are foreseen', () => {
    const full = sides[1]?.worker
    assert.ok(full)
    const latestMs = FORECAST.marginMs + (2 * ROUNDS + FULL) * SPACING_MS
    assert.equal(ahead(full, REGION, latestMs, 0).jobs, FULL)
    assert.equal(
      ahead(full, REGION, 0, 0).laterMs,
      FORECAST.marginMs + (2 * ROUNDS + 1) * SPACING_MS,
      'each leaves the same room',
    )
  })

  it('a decision, a place in the queue and a claim cost little more than with none', () => {
    const times = sides.map(() => ({ decide: [] as number[], add: [] as number[], claim: [] as number[] }))
    const timed = (into: number[] | undefined, work: () => void) => {
      const startMs = performance.now()
      work()
      into?.push(performance.now() - startMs)
    }
    for (let n = 0; n < ROUNDS; n++) {
      const deadlineMs = FORECAST.marginMs + (2 * ROUNDS + Math.round((n * FULL) / ROUNDS)) * SPACING_MS
      for (const [side, { worker, dispatcher }] of sides.entries()) {
        timed(times[side]?.decide, () => {
          assert.equal(latenessOf(ahead(worker, REGION, deadlineMs, 0), deadlineMs, 0, FORECAST), undefined)
        })
        timed(times[side]?.add, () => worker.add([request({ deadlineMs })], n, { forecast: FORECAST }))
        timed(times[side]?.claim, () => {
          const spacing = { spacingMs: 0, notBeforeMonoMs: 0, longestPauseMs: 1000 }
          assert.ok(dispatcher.claim(REGION, { ms: 1, monoMs: 0 }, spacing))
        })
      }
    }
    for (const what of ['decide', 'add', 'claim'] as const) {
      const [empty = 0, full = 0] = times.map(of => median(of[what]))
      assert.ok(full / empty < MOST, `${what}: ${(full / empty).toFixed(2)} times as long`)
    }
  })
})

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

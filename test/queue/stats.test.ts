// The queue in numbers, held against what counting every job says.

import assert from 'node:assert/strict'
import path from 'node:path'
import fc from 'fast-check'
import { Database } from '../../src/queue/sqlite/database'
import {
  openDispatcherQueue,
  openOperatorQueue,
  openQueueReader,
  openWorkerQueue,
  type SqliteQueueReader,
} from '../../src/queue/sqlite/open'
import { project } from '../../src/queue/stats'
import { HOUR_MS, request, takeLead, temporaryFolder } from './support'

const REGION = 'eu-west-1'
const PACE = { spacingMs: 1000, forecastMs: 1035, marginMs: 60_000 }
const SPACING = { spacingMs: 0, notBeforeMonoMs: 0, longestPauseMs: 60_000 }
const NOW_MS = 1_700_000_000_123

describe('the queue in numbers', () => {
  let file: string
  let database: Database
  let watcher: SqliteQueueReader | undefined
  let remove: () => void

  beforeEach(() => {
    const { folder, remove: removeFolder } = temporaryFolder()
    remove = removeFolder
    file = path.join(folder, 'queue.sqlite')
    database = new Database(file, { busyMs: 0, create: true })
  })
  afterEach(() => {
    watcher?.close()
    watcher = undefined
    database.close()
    remove()
  })

  function fill(deadlines: readonly number[], region = REGION): void {
    database.write(() => {
      database.run('DELETE FROM job')
      database.run('INSERT OR IGNORE INTO region (name) VALUES (?)', region)
      database.run(
        `INSERT INTO job (id, state, region, ses_id, sender, bounce_sender, reporting_mta, received_ms, deadline_ms,
           created_ms, changed_ms)
         SELECT 'job' || key, 'queued', ?, 'mail' || key, 's@origin.example', 'b@yours.example', 'dns; mx', 0, value, 0, 0
         FROM json_each(?)`,
        region,
        JSON.stringify(deadlines),
      )
    })
  }

  it('count jobs by region and state through every change that there is', () => {
    const worker = openWorkerQueue(file)
    const dispatcher = openDispatcherQueue(file)
    const operator = openOperatorQueue(file)
    const reader = openQueueReader(file)
    takeLead(dispatcher)
    const counted = () =>
      database
        .all("SELECT region || ' ' || state AS what, COUNT(*) AS n FROM job GROUP BY 1 ORDER BY 1")
        .map(({ what, n }) => `${what} ${n}`)
    const kept = () =>
      reader
        .stats({ ms: 0, monoMs: 0 }, PACE)
        .jobs.filter(({ jobs }) => jobs !== 0)
        .map(({ region, state, jobs }) => `${region} ${state} ${jobs}`)
        .toSorted()
    const check = (most: string[]) => {
      assert.deepEqual(kept(), most)
      assert.deepEqual(kept(), counted().toSorted())
    }
    try {
      const ids = worker
        .add([request(), request(), request({ region: 'us-east-1' }), request(), request()], 1)
        .map(({ jobId }) => jobId)
      check(['eu-west-1 queued 4', 'us-east-1 queued 1'])
      operator.hold(ids[0] ?? '', 1)
      operator.cancel(ids[2] ?? '', 1)
      check(['eu-west-1 held 1', 'eu-west-1 queued 3', 'us-east-1 cancelled 1'])
      const claim = dispatcher.claim(REGION, { ms: 1, monoMs: 1 }, SPACING)
      assert.ok(claim)
      check(['eu-west-1 held 1', 'eu-west-1 queued 2', 'eu-west-1 sending 1', 'us-east-1 cancelled 1'])
      dispatcher.begin(claim, { ms: 2, monoMs: 2 })
      dispatcher.settle(claim, { state: 'sent', messageId: 'm', detail: 'd' }, { ms: 3, seenMonoMs: 3 })
      assert.equal(dispatcher.expire(REGION, 1e15, 0).length, 2)
      check(['eu-west-1 expired 2', 'eu-west-1 held 1', 'eu-west-1 sent 1', 'us-east-1 cancelled 1'])
      assert.equal(dispatcher.prune(1e16), 4)
      check(['eu-west-1 held 1'])
    } finally {
      for (const one of [worker, dispatcher, operator, reader]) one.close()
    }
  })

  it('say of each region how long it takes, at what pace, how soon the first, and what stands still', () => {
    const worker = openWorkerQueue(file)
    const operator = openOperatorQueue(file)
    const reader = openQueueReader(file)
    try {
      worker.add([request({ deadlineMs: NOW_MS + 61_000 }), request({ deadlineMs: NOW_MS + 60_500 })], 1)
      worker.add([request({ region: 'us-east-1', deadlineMs: NOW_MS + 90_000 })], 1)
      operator.pause('us-east-1', 1)
      database.run('UPDATE region SET slowdown = 3 WHERE name = ?', REGION)
      database.run(
        "INSERT INTO blocked VALUES ('eu-west-1', '', 5, 0), ('eu-west-1', 'b@yours.example', 5, 0)",
      )
      const none = { calls: 0, sent: 0, throttled: 0 }
      const { regions, blocked } = reader.stats({ ms: NOW_MS, monoMs: 0 }, PACE)
      assert.deepEqual(regions, [
        {
          region: REGION,
          spacingMs: 3000,
          jobMs: 1000,
          queued: 2,
          sending: 0,
          later: 0,
          nextDeadlineMs: NOW_MS + 60_500,
          lastMinute: none,
          drainMs: 2000,
          willMiss: 0,
        },
        {
          region: 'us-east-1',
          spacingMs: 1000,
          jobMs: 1000,
          queued: 1,
          sending: 0,
          later: 0,
          nextDeadlineMs: NOW_MS + 90_000,
          pausedSinceMs: 1,
          lastMinute: none,
          drainMs: 1000,
          willMiss: 0,
        },
      ])
      assert.deepEqual(blocked, [
        { region: REGION, nextTryMs: 5 },
        { region: REGION, bounceSender: 'b@yours.example', nextTryMs: 5 },
      ])
    } finally {
      for (const one of [worker, operator, reader]) one.close()
    }
  })

  it('foresee a short queue to the job', () => {
    const deadlines = Array.from({ length: 300 }, (_, n) => NOW_MS + 70_000 + n * 700)
    fill(deadlines)
    const exact = project(deadlines, NOW_MS, PACE)
    assert.ok(exact.willMiss > 0)
    assert.deepEqual(foreseen(NOW_MS), exact)
  })

  it('forecast that earlier jobs in one part of an hour use the time of another', () => {
    const fromMs = Math.ceil(NOW_MS / HOUR_MS) * HOUR_MS
    const minutes = Array.from({ length: 5 }, (_, n) => fromMs + (n + 1) * 250_000)
    const deadlines = minutes.flatMap(ms => Array.from({ length: 300 }, () => ms))
    fill(deadlines)
    const nowMs = fromMs - PACE.marginMs
    const exact = project(deadlines, nowMs, PACE)
    assert.ok(exact.willMiss > 200)
    assert.deepEqual(foreseen(nowMs), exact)
  })

  it('forecast a queue of thousands to the job, whatever its deadlines and its pace', () => {
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
    fc.assert(
      fc.property(times, spacings, (bursts, spacingMs) => {
        const deadlines = bursts
          .flatMap(({ atMs, jobs, everyMs }) =>
            Array.from({ length: jobs }, (_, n) => NOW_MS + atMs + n * everyMs),
          )
          .toSorted((a, b) => a - b)
        fill(deadlines)
        const exact = project(deadlines, NOW_MS, { spacingMs, marginMs: PACE.marginMs })
        assert.deepEqual(foreseen(NOW_MS, spacingMs), exact)
        if (exact.willMiss > 0 && exact.drainMs > 0) cut += 1
      }),
      { numRuns: 60 },
    )
    assert.ok(cut > 5, `only ${cut} queues were in time in part`)
  })

  /** By a process that has looked at the queue before. */
  function foreseen(nowMs: number, spacingMs = PACE.spacingMs) {
    watcher ??= openQueueReader(file)
    const [region] = watcher.stats({ ms: nowMs, monoMs: 0 }, { ...PACE, spacingMs }).regions
    assert.ok(region)
    return { drainMs: region.drainMs, willMiss: region.willMiss }
  }
})

// A long queue costs the page no more than a short one: what it asks of the store goes by an index, a bounded way.

import assert from 'node:assert/strict'
import path from 'node:path'
import { mock } from 'node:test'
import { SPANS, Spans, waitingBefore } from '../../src/http/page-chart'
import { Database } from '../../src/queue/sqlite/database'
import { openFigures } from '../../src/queue/sqlite/figures'
import { openWorkerQueue } from '../../src/queue/sqlite/worker-queue'
import { HOUR_MS, request, temporaryFolder } from '../queue/support'
import { NOW_MS, startApi } from './api-support'
import { bearer } from './support'

const MINUTE_MS = 60_000

describe('what the page asks of the queue', () => {
  let file: string
  let remove: () => void
  beforeEach(() => {
    const temporary = temporaryFolder()
    remove = temporary.remove
    file = path.join(temporary.folder, 'queue.sqlite')
    openWorkerQueue(file, { create: true }).close()
  })
  afterEach(() => remove())

  /** A job a second until now; the first half has been sent ten minutes after it was made. */
  function fill(jobs: number): void {
    const worker = openWorkerQueue(file)
    const madeMs = (index: number) => NOW_MS - (jobs - index) * 1000
    for (let index = 0; index < jobs; index++) {
      const region = index % 2 === 0 ? 'eu-west-1' : 'us-east-1'
      worker.add([request({ region, deadlineMs: madeMs(index) + 24 * HOUR_MS })], madeMs(index))
    }
    worker.close()
    const database = new Database(file, { create: false, busyMs: 1000 })
    database.run(
      "UPDATE job SET state = CASE seq % 4 WHEN 0 THEN 'failed' ELSE 'sent' END, changed_ms = created_ms + ? WHERE seq <= ?",
      10 * MINUTE_MS,
      jobs / 2,
    )
    database.close()
  }

  it('is the soonest deadlines, whatever the region', () => {
    fill(40)
    const figures = openFigures(file)
    const soonest = figures.soonest(5)
    assert.deepEqual(
      soonest.map(({ deadlineMs }) => deadlineMs - NOW_MS - 24 * HOUR_MS),
      [-20_000, -19_000, -18_000, -17_000, -16_000],
    )
    assert.deepEqual(
      figures.deadlineSlots().reduce((sum, { jobs }) => sum + jobs, 0),
      20,
    )
    figures.close()
  })

  it('is what was made and ended in a span, also where jobs of it are forgotten', () => {
    fill(1200)
    const figures = openFigures(file)
    const from = NOW_MS - 20 * MINUTE_MS
    assert.deepEqual(figures.span(from, from + 5 * MINUTE_MS), { sent: 0, others: 0, made: 300 })
    assert.deepEqual(figures.span(from + 10 * MINUTE_MS, from + 15 * MINUTE_MS), {
      sent: 225,
      others: 75,
      made: 300,
    })
    assert.deepEqual(figures.span(0, 1), { sent: 0, others: 0, made: 0 })
    const database = new Database(file, { create: false, busyMs: 1000 })
    database.run('DELETE FROM job WHERE seq BETWEEN 100 AND 200')
    assert.equal(figures.span(from, from + 5 * MINUTE_MS).made, 300)
    database.run('DELETE FROM job')
    assert.deepEqual(figures.span(0, NOW_MS), { sent: 0, others: 0, made: 0 })
    for (const one of [database, figures]) one.close()
  })

  it('never goes through all jobs, for whatever is looked at', async () => {
    const api = await startApi()
    const [added] = api.queue.add([request({ deadlineMs: NOW_MS + HOUR_MS })], NOW_MS)
    const spies = (['all', 'get', 'iterate'] as const).map(name => mock.method(Database.prototype, name))
    try {
      // a search looks at a page of jobs, whose bounds are those of the API
      for (const where of ['/', `/jobs/${added?.jobId}`])
        assert.equal((await fetch(api.url + where, { headers: bearer })).status, 200)
    } finally {
      mock.restoreAll()
    }
    const asked = spies.flatMap(({ mock: { calls } }) => calls.map(call => call.arguments[0]))
    const database = new Database(api.file, { create: false, busyMs: 1000 })
    const scans = [...new Set(asked)].flatMap(sql =>
      database
        .all(`EXPLAIN QUERY PLAN ${sql}`)
        .map(({ detail }) => String(detail))
        .filter(detail => /^SCAN (?:job|recipient|event)\b/.test(detail))
        .map(detail => `${detail}: ${sql}`),
    )
    database.close()
    await api.close()
    assert.ok(asked.length > 10)
    assert.deepEqual(scans, [])
  })
})

describe('the chart', () => {
  it('looks up once what is over, and again what isn’t', () => {
    const asked: number[] = []
    const reader = {
      span(fromMs: number) {
        asked.push(fromMs)
        return { sent: asked.length, others: 0, made: 0 }
      },
    }
    const spans = new Spans()
    assert.equal(spans.until(NOW_MS, reader).length, SPANS)
    assert.equal(asked.length, SPANS)
    const again = spans.until(NOW_MS + MINUTE_MS, reader)
    assert.deepEqual(asked.slice(SPANS), [NOW_MS], 'the last, which goes on')
    assert.deepEqual(again.map(({ sent }) => sent).slice(0, 3), [1, 2, 3])
    spans.until(NOW_MS + 5 * MINUTE_MS, reader)
    assert.deepEqual(asked.slice(SPANS + 1), [NOW_MS, NOW_MS + 5 * MINUTE_MS])
  })

  it('reckons back how many waited: without what came, with what went', () => {
    const span = (sent: number, others: number, made: number) => ({ sent, others, made })
    assert.deepEqual(waitingBefore([span(0, 0, 10), span(4, 1, 0), span(2, 0, 1)], 4), [10, 5, 4])
  })
})

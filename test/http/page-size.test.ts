// A long queue costs the page no more than a short one: what it asks of the store goes by an index, a bounded way.

import assert from 'node:assert/strict'
import path from 'node:path'
import { mock } from 'node:test'
import { toCursor } from '../../src/http/listing'
import { activityUntil, SPANS, waitingBefore } from '../../src/http/page-chart'
import { rules } from '../../src/http/page-sections'
import { Database } from '../../src/queue/sqlite/database'
import { openQueueReader, openWorkerQueue } from '../../src/queue/sqlite/open'
import { MOST_LOOKED_AT } from '../../src/queue/sqlite/page'
import { ACTIVITY_BUCKET_MS } from '../../src/queue/stats'
import { HOUR_MS, request, temporaryFolder } from '../queue/support'
import { type Api, NOW_MS, startApi } from './api-support'
import { bearer } from './support'

const MINUTE_MS = 60_000
const PACE = { spacingMs: 1000, forecastMs: 1035, marginMs: 60_000 }

describe('the questions of the page to the queue', () => {
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
    const reader = openQueueReader(file)
    const soonest = reader.soonest(5)
    assert.deepEqual(
      soonest.map(({ deadlineMs }) => deadlineMs - NOW_MS - 24 * HOUR_MS),
      [-20_000, -19_000, -18_000, -17_000, -16_000],
    )
    assert.deepEqual(
      reader.deadlineBuckets().reduce((sum, { jobs }) => sum + jobs, 0),
      20,
    )
    reader.close()
  })

  it('shows only as many refused senders as can be read', () => {
    const database = new Database(file, { create: false, busyMs: 1000 })
    for (let n = 0; n < 30; n++) database.run("INSERT INTO blocked VALUES ('eu-west-1', ?, 5, 0)", `b${n}`)
    const reader = openQueueReader(file)
    const { blocked } = reader.stats({ ms: NOW_MS, monoMs: 0 }, PACE)
    assert.equal(blocked.length, 30)
    for (const one of [database, reader]) one.close()
  })

  it('never goes through all jobs, for whatever is looked at or asked for', async () => {
    const api = await startApi()
    const [added] = api.queue.add([request({ deadlineMs: NOW_MS + HOUR_MS })], NOW_MS)
    many(api.file, MOST_LOOKED_AT + 1)
    const searched = ['user@yours.example', 'nobody@yours.example', '@origin.example', 'mail1', added?.jobId]
    const asked = await statementsFor(api, [
      '/',
      '/metrics',
      `/jobs/${added?.jobId}`,
      `/v1/bounces/${added?.jobId}`,
      '/search?state=queued',
      ...searched.map(text => `/search?q=${text}`),
      ...everyTwo(FILTERS).map(two => `/v1/bounces?limit=5&cursor=${toCursor(9)}&${two.join('&')}`),
    ])
    const database = new Database(api.file, { create: false, busyMs: 1000 })
    const found = asked.flatMap(({ sql }) =>
      database.all(`EXPLAIN QUERY PLAN ${sql}`).map(({ detail }) => ({ sql, detail: String(detail) })),
    )
    database.close()
    await api.close()
    assert.ok(asked.length > 40)
    assert.deepEqual(
      found.filter(
        ({ sql, detail }) => /^SCAN (?:job|recipient|event|span)\b/.test(detail) && !DEADLINES.test(sql),
      ),
      [],
    )
    assert.equal(asked.filter(({ sql }) => DEADLINES.test(sql)).length, 1, 'once in the life of a process')
    // sorted is only what was counted before
    const counted = asked.flatMap(
      ({ sql }) => /^SELECT COUNT\(\*\) AS n FROM \((.*) LIMIT \d+\)$/s.exec(sql)?.[1] ?? [],
    )
    const sorted = found.filter(({ detail }) => detail === 'USE TEMP B-TREE FOR ORDER BY')
    assert.deepEqual(
      sorted.filter(({ sql }) => /FROM job\b/.test(sql) && !counted.some(inner => sql.includes(inner))),
      [],
    )
  })

  it('is as many questions and rows with a long queue as with a short one', async () => {
    const api = await startApi()
    for (const region of ['eu-west-1', 'us-east-1'])
      api.queue.add([request({ region, deadlineMs: NOW_MS + 24 * HOUR_MS })], NOW_MS)
    const short = await statementsFor(api, ['/'])
    many(api.file, 6000)
    const long = await statementsFor(api, ['/'])
    await api.close()
    const rows = long.reduce((sum, one) => sum + one.rows, 0)
    assert.ok(long.length <= short.length + 2, `${short.length}, then ${long.length}`)
    // of the soonest, 20 in each region, then their recipients; and what the charts draw
    assert.ok(rows <= 200, `${rows} rows`)
  })
})

/** The deadlines of all waiting jobs, as one text; a process follows their changes from then on. */
const DEADLINES = /json_group_array\(deadline_ms\)/

const FILTERS = [
  'state=queued',
  'region=eu-west-1',
  'sender=sender@origin.example',
  'sender=@origin.example',
  'recipient=user@yours.example',
  'rule=unknown-mailbox',
  'ses_id=mail1',
]

/** None, one, two, and three with a rule that there isn't; of one parameter only one can be given. */
function everyTwo(filters: readonly string[]): string[][] {
  const nameOf = (filter: string) => filter.replace(/=.*/, '')
  const pairs = filters.flatMap(one => filters.map(other => [one, other]))
  const valid = pairs.filter(([one = '', other = '']) => one <= other && nameOf(one) !== nameOf(other))
  return [
    [],
    ...filters.map(one => [one]),
    ...valid,
    ...valid.map(two => [...two, 'rule=none']).filter(isOnce),
  ]

  function isOnce(some: readonly string[]): boolean {
    return new Set(some.map(nameOf)).size === some.length
  }
}

/** The statements to the store for these pages, with their numbers of rows. */
async function statementsFor(api: Api, paths: readonly string[]): Promise<{ sql: string; rows: number }[]> {
  const spy = mock.method(Database.prototype, 'all')
  const single = mock.method(Database.prototype, 'get')
  const iterated = mock.method(Database.prototype, 'iterate')
  try {
    for (const where of paths) {
      const { status } = await fetch(api.url + where, { headers: bearer })
      assert.equal(status, 200, where)
    }
  } finally {
    mock.restoreAll()
  }
  return [
    ...spy.mock.calls.map(call => ({ sql: call.arguments[0], rows: call.result?.length ?? 0 })),
    ...single.mock.calls.map(call => ({ sql: call.arguments[0], rows: call.result === undefined ? 0 : 1 })),
    ...iterated.mock.calls.map(call => ({ sql: call.arguments[0], rows: 0 })),
  ]
}

/** So many more that wait in each region, in time as far as a call a second goes. */
function many(file: string, jobs: number): void {
  const database = new Database(file, { create: false, busyMs: 1000 })
  const columns = database
    .all("SELECT name FROM pragma_table_info('job') WHERE name NOT IN ('seq', 'id', 'deadline_ms')")
    .map(({ name }) => name)
    .join(', ')
  database.write(() => {
    database.run(
      `WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?)
       INSERT INTO job (id, deadline_ms, ${columns}) SELECT id || n, deadline_ms - n * 700, ${columns} FROM job, n`,
      jobs,
    )
    database.run(
      `INSERT INTO recipient (ses_id, address_key, job, address, bounce_type, status, diagnostic, rule, added_ms)
         SELECT ses_id, 'user' || seq, seq, 'user' || seq, 'DoesNotExist', '5.1.1', 'smtp; 550',
         'unknown-mailbox', 0 FROM job WHERE seq NOT IN (SELECT job FROM recipient)`,
    )
  })
  database.close()
}

describe('the rules of a large policy', () => {
  it('are shown as far as they decide most, and counted', () => {
    const names = Array.from({ length: 5000 }, (_, n) => `rule-${n}`)
    const hits = names.slice(0, 1000).map((rule, n) => ({ rule, hits: 1000 - n, lastMs: NOW_MS }))
    const view = { isTrusted: true, mayOperate: true, hasToken: true, nowMs: NOW_MS }
    const shown = (...of: [typeof hits, string[]]) =>
      [...rules(view, ...of).text.matchAll(/rule-(\d+)/g)].length
    assert.equal(shown(hits, names), 100)
    assert.match(rules(view, hits, names).text, /And 4,900 more/)
    assert.equal(shown(hits.slice(0, 50), names.slice(0, 60)), 60)
    assert.equal(shown(hits.slice(0, 50), names.slice(0, 300)), 100)
    assert.doesNotMatch(rules(view, hits.slice(0, 100), names.slice(0, 100)).text, /more/)
  })
})

describe('the chart', () => {
  const LAST_MS = NOW_MS - (NOW_MS % ACTIVITY_BUCKET_MS)
  const NOTHING = { came: 0, sent: 0, others: 0 }

  it('has a span for each five minutes of three hours, also where nothing came or ended', async () => {
    const last = { fromMs: LAST_MS, came: 1, sent: 2, others: 3 }
    const asked: number[] = []
    const reader = {
      activity(fromMs: number) {
        asked.push(fromMs)
        return { buckets: [last], waiting: 7 }
      },
    }
    const { buckets, waiting } = await activityUntil(NOW_MS + MINUTE_MS, reader)
    assert.equal(waiting, 7)
    assert.deepEqual(asked, [buckets[0]?.fromMs])
    assert.equal(buckets.length, SPANS)
    assert.deepEqual(buckets.at(-1), last)
    assert.deepEqual(buckets.at(-2), { fromMs: LAST_MS - ACTIVITY_BUCKET_MS, ...NOTHING })
  })

  it('counts what a clock that is ahead has noted as of now, so that no earlier number of waiting jobs changes', async () => {
    const earlier = { fromMs: LAST_MS - ACTIVITY_BUCKET_MS, ...NOTHING, came: 5 }
    const ahead = { fromMs: LAST_MS + ACTIVITY_BUCKET_MS, came: 0, sent: 2, others: 1 }
    const before = await activityUntil(NOW_MS, { activity: () => ({ buckets: [earlier], waiting: 5 }) })
    const after = await activityUntil(NOW_MS, { activity: () => ({ buckets: [earlier, ahead], waiting: 2 }) })
    assert.deepEqual(waitingBefore(before.buckets, before.waiting).slice(-2), [5, 5])
    assert.deepEqual(waitingBefore(after.buckets, after.waiting).slice(-2), [5, 2])
  })

  it('reckons back how many waited: without what came, with what went', () => {
    const span = (sent: number, others: number, came: number) => ({ fromMs: 0, came, sent, others })
    assert.deepEqual(waitingBefore([span(0, 0, 10), span(4, 1, 0), span(2, 0, 1)], 4), [10, 5, 4])
  })
})

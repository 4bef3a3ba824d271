import assert from 'node:assert/strict'
import path from 'node:path'
import Driver from 'libsql'
import type { QueueReader } from '../../../src/queue/operator'
import type { PostgresConnection } from '../../../src/queue/postgres/connection'
import { moveInto } from '../../../src/queue/postgres/move'
import { readerOf } from '../../../src/queue/postgres/reader'
import { openContents } from '../../../src/queue/sqlite/contents'
import { openDispatcherQueue, openQueueReader } from '../../../src/queue/sqlite/open'
import { DAY_MS, makeStoredFile, RECEIVED_MS } from '../sqlite/stored-file'
import { takeLead, temporaryFolder } from '../support'
import { preparedSchema, type TestSchema } from './support'

const PACE = { spacingMs: 1005, forecastMs: 1035, marginMs: 60_000 }
const NOW = { ms: RECEIVED_MS + DAY_MS / 2, monoMs: 0 }

describe('a queue file that is moved into PostgreSQL', () => {
  let queue: TestSchema
  let connection: PostgresConnection
  let file: string
  let removeFolder: () => void

  before(async () => {
    queue = await preparedSchema()
    connection = queue.connect()
    const { folder, remove } = temporaryFolder()
    removeFolder = remove
    file = path.join(folder, 'queue.sqlite')
    makeStoredFile(file)
    addEndedJobs(file)
  })

  after(async () => {
    removeFolder()
    await connection.close()
    await queue.remove()
  })

  const move = (told: (jobs: number) => void = () => undefined) => {
    const contents = openContents(file)
    return moveInto(queue.target, file, contents, { monoMs: () => performance.now(), told }).finally(() =>
      contents.close(),
    )
  }

  it('is refused while a dispatcher of the file runs', async () => {
    const dispatcher = openDispatcherQueue(file)
    takeLead(dispatcher, Math.round(performance.now()))
    await assert.rejects(move(), { code: 'QUEUE_BUSY', message: /a dispatcher runs; stop Haraka/ })
    dispatcher.giveUpLead()
    dispatcher.close()
  })

  const leadThere = () =>
    connection.rows(
      `UPDATE ${connection.schema}.leader SET token = 'another', host = 'web-3',
       beat_ms = (extract(epoch FROM clock_timestamp()) * 1000)::bigint`,
    )
  const nobodyLeadsThere = () =>
    connection.rows(`UPDATE ${connection.schema}.leader SET token = '', beat_ms = 0`)

  it('is refused while a dispatcher leads there', async () => {
    await leadThere()
    await assert.rejects(move(), { code: 'QUEUE_BUSY', message: /the dispatcher of web-3 leads; stop all/ })
    await nobodyLeadsThere()
  })

  it('gives the same views as before, and all jobs once however often it is moved', async () => {
    const told: number[] = []
    const first = await move(jobs => told.push(jobs))
    assert.deepEqual(first, { moved: first.moved, known: 0, others: [] })
    assert.equal(told.at(-1), first.moved)
    const again = await move()
    assert.deepEqual(again, { moved: 0, known: first.moved, others: [] })

    const before = openQueueReader(file, { home: '/opt/haraka' })
    const now = readerOf(connection, { home: '/opt/haraka', host: 'here' })
    try {
      assert.deepEqual(await viewsOf(now), await viewsOf(before))
    } finally {
      before.close()
    }
  })

  it('ends when a dispatcher begins to lead there while it is moved', async () => {
    let started: Promise<unknown> | undefined
    const moved = move(() => {
      started ??= leadThere()
    })
    await assert.rejects(moved, { code: 'QUEUE_BUSY', message: /the dispatcher of web-3 leads; stop all/ })
    await started
    await nobodyLeadsThere()
  })

  it('leaves out a job whose recipient has another one there, and says which', async () => {
    await connection.rows(`UPDATE ${connection.schema}.job SET id = 'elsewhere' WHERE id = 'job2'`)
    assert.deepEqual((await move()).others, ['job2'])
    await connection.rows(`UPDATE ${connection.schema}.job SET id = 'job2' WHERE id = 'elsewhere'`)
  })
})

/** More than are read at a time, so that lists have several parts. */
function addEndedJobs(file: string): void {
  const database = new Driver(file)
  database.exec(`WITH RECURSIVE numbers (n) AS (SELECT 100 UNION ALL SELECT n + 1 FROM numbers WHERE n < 4000)
    INSERT INTO job (seq, id, state, region, ses_id, sender, sender_key, sender_domain, bounce_sender, reporting_mta,
      received_ms, deadline_ms, created_ms, changed_ms)
    SELECT n, 'many' || n, CASE n % 3 WHEN 0 THEN 'queued' WHEN 1 THEN 'sent' ELSE 'failed' END,
      CASE n % 2 WHEN 0 THEN 'eu-west-1' ELSE 'us-east-1' END, 'mail' || n, 's' || (n % 7) || '@many.example',
      's' || (n % 7) || '@many.example', 'many.example', 'mailer-daemon@yours.example', 'dns; mx', ${RECEIVED_MS},
      ${RECEIVED_MS} + n % 900 * 60000, ${RECEIVED_MS}, ${RECEIVED_MS} + n % 1000 FROM numbers`)
  database.exec(`INSERT INTO recipient (ses_id, address_key, job, address, bounce_type, status, diagnostic, rule, added_ms)
    SELECT ses_id, 'to' || (seq % 50) || '@yours.example', seq, 'to' || (seq % 50) || '@yours.example', 'DoesNotExist', '5.1.1',
      'smtp; 550', 'rule' || (seq % 11), ${RECEIVED_MS} FROM job WHERE seq >= 100`)
  database.exec(`INSERT INTO event SELECT seq, ${NOW.ms} - seq % 90 * 1000, CASE seq % 2 WHEN 0 THEN 'sent' ELSE 'throttled' END, ''
    FROM job WHERE seq >= 100 ORDER BY seq % 90 DESC`)
  database.close()
}

const FILTERS = [
  {},
  { states: ['queued'] },
  { states: ['held', 'failed'] },
  { region: 'us-east-1' },
  { sesId: 'several' },
  { rule: 'rule3' },
  { rule: 'unknown-mailbox' },
  { sender: 's3@many.example' },
  { sender: '@many.example' },
  { sender: '@none.example' },
  { recipient: 'to7@yours.example' },
  { recipient: 'to7@yours.example', states: ['sent'] },
  { sinceMs: RECEIVED_MS + 300, untilMs: RECEIVED_MS + 500 },
  { reason: 'messageREJECTED' },
  { reason: 'a%', states: ['failed'] },
  { reason: '503', states: ['queued'], untilMs: RECEIVED_MS + 1 },
  { rule: 'rule3', region: 'eu-west-1', states: ['queued', 'sent'] },
] as const

/** All that can be seen of it. Numbers of jobs are the engine's own. */
async function viewsOf(reader: QueueReader) {
  const lists: unknown[] = []
  const pages: unknown[] = []
  for (const filter of FILTERS) {
    const ids: string[] = []
    for await (const job of reader.jobs(filter)) ids.push(job.id)
    lists.push(ids)
    const limited: unknown[] = []
    for await (const job of reader.jobs({ ...filter, limit: 7 })) limited.push(job)
    lists.push(limited)
    const paged: string[] = []
    let before: number | undefined
    do {
      const page = await reader.page({ ...filter, limit: 800, ...(before !== undefined && { before }) })
      paged.push(...page.jobs.map(({ id }) => id))
      before = page.next
    } while (before !== undefined)
    pages.push(paged)
  }
  const { states, jobs, regions, blocked, oldestMs, nextDeadlineMs, mail } = await reader.stats(NOW, PACE)
  const slow = await reader.stats(NOW, { ...PACE, spacingMs: 60_000, forecastMs: 60_030 })
  return {
    lists,
    pages,
    job: await reader.job('job3'),
    history: await reader.history('job3'),
    none: await reader.job('none'),
    pauses: await reader.pauses(),
    soonest: await reader.soonest(20),
    stats: { states, regions, blocked, oldestMs, nextDeadlineMs, mail },
    counts: jobs.filter(one => one.jobs > 0),
    slow: slow.regions,
    countByState: await reader.countByState(),
    countByRule: await reader.countByRule(),
    regions: await reader.regions(),
    sums: await reader.sums(),
    decisions: await reader.decisions(),
    ruleHits: await reader.ruleHits(),
    activity: await reader.activity(0),
    deadlineBuckets: await reader.deadlineBuckets(),
    relaySigns: await reader.relaySigns(RECEIVED_MS),
    audit: await auditOf(reader),
  }
}

/** Without the numbers, which are the engine's own. */
async function auditOf(reader: QueueReader) {
  const { entries } = await reader.audit.page({ limit: 100 })
  assert.equal(entries.length, 1)
  return entries
}

// Pages of a long queue: what they hold, that they stay in step while jobs come and go, and that they look at few jobs.

import assert from 'node:assert/strict'
import path from 'node:path'
import { JOB_STATES } from '../../src/queue/job'
import type { JobQuery } from '../../src/queue/operator'
import { Database } from '../../src/queue/sqlite/database'
import { openOperatorQueue, openWorkerQueue, type SqliteOperatorQueue } from '../../src/queue/sqlite/open'
import { MOST_LOOKED_AT } from '../../src/queue/sqlite/page'
import { request, temporaryFolder } from './support'

const JOBS = 12_000

describe('pages of the queue', () => {
  let temporary: ReturnType<typeof temporaryFolder>
  let operator: SqliteOperatorQueue
  let database: Database
  before(() => {
    temporary = temporaryFolder()
    const file = path.join(temporary.folder, 'queue.sqlite')
    openWorkerQueue(file, { create: true }).close()
    database = new Database(file, { busyMs: 0, create: false })
    fill(database)
    operator = openOperatorQueue(file)
  })
  after(() => {
    operator.close()
    database.close()
    temporary.remove()
  })

  /** All that a filter finds, page by page; the pages too. */
  function all(filter: JobQuery, limit = 100): { ids: string[]; pages: number } {
    const ids: string[] = []
    let before: number | undefined
    for (let pages = 1; ; pages++) {
      const { jobs, next } = operator.page({ ...filter, limit, ...(before !== undefined && { before }) })
      assert.ok(jobs.length <= limit)
      ids.push(...jobs.map(({ id }) => id))
      if (next === undefined) return { ids, pages }
      assert.ok(before === undefined || next < before, 'a page ends before the one before it')
      before = next
    }
  }

  it('hold each job once, newest first, and nothing else than what is asked for', () => {
    const expected = (sql: string) =>
      database.all(`SELECT id FROM job WHERE ${sql} ORDER BY seq DESC`).map(row => row['id'])
    const cases: [filter: JobQuery, sql: string][] = [
      [{}, 'TRUE'],
      [{ states: ['held'] }, "state = 'held'"],
      [{ region: 'eu-west-1' }, "region = 'eu-west-1'"],
      [{ region: 'us-east-1', states: ['sent'] }, "region = 'us-east-1' AND state = 'sent'"],
      [{ region: 'nowhere-1' }, 'FALSE'],
      [{ sesId: 'mail777' }, "ses_id = 'mail777'"],
      [{ sesId: 'mail777', states: ['held'] }, "ses_id = 'mail777' AND state = 'held'"],
      [{ recipient: 'USER777@yours.example' }, "ses_id = 'mail777'"],
      [{ sender: 'Rare@origin.example' }, "sender = 'rare@origin.example'"],
      [{ sender: 'rare+tag@origin.example' }, 'FALSE'],
      [{ sender: 'often@origin.example' }, "sender = 'often@origin.example'"],
      [{ sender: '@Elsewhere.example' }, "sender = 'split@elsewhere.example'"],
      [{ sender: 'split@elsewhere.example' }, "sender = 'split@elsewhere.example'"],
      [{ sender: 'bounces@provider.example' }, "sender = 'bounces@provider.example'"],
      [{ sender: 'bounces@provider.example', sesId: 'mail3' }, 'seq = 3'],
      [{ sender: 'bounces@provider.exampl' }, 'FALSE'],
      [{ rule: 'seldom' }, 'seq % 5000 = 0'],
      [{ rule: 'seldom', sender: 'often@origin.example', states: ['sent', 'held'] }, 'seq % 5000 = 0'],
      [{ rule: 'seldom', sender: 'rare@origin.example' }, 'FALSE'],
    ]
    for (const [filter, sql] of cases)
      assert.deepEqual(all(filter, 200).ids, expected(sql), JSON.stringify(filter))
  })

  it('are few if an index fits the filter, and as many as needed if not', () => {
    const few: JobQuery[] = [
      { states: ['cancelled'] },
      { sesId: 'mail777' },
      { recipient: 'user777@yours.example' },
      { sender: 'rare@origin.example' },
      { sender: 'bounces@provider.example' },
    ]
    for (const filter of few) assert.equal(all(filter).pages, 1, JSON.stringify(filter))
    assert.equal(all({ region: 'nowhere-1' }).pages, Math.floor(JOBS / MOST_LOOKED_AT) + 1)
  })

  it('go on where they were, whatever comes and goes meanwhile', () => {
    const first = operator.page({ limit: 3 })
    const last = first.jobs.at(-1)
    const worker = openWorkerQueue(database.file)
    worker.add([request({ sesId: 'came-meanwhile' })], 0)
    database.run('DELETE FROM job WHERE id = ?', last?.id ?? '')
    const second = operator.page({ limit: 3, ...(first.next !== undefined && { before: first.next }) })
    assert.deepEqual(
      second.jobs.map(({ id }) => id),
      [3, 4, 5].map(back => `job${JOBS - back}`),
    )
    database.run("DELETE FROM job WHERE ses_id = 'came-meanwhile'")
    worker.close()
  })
})

/** Two regions, all states, senders that are rare, frequent, a provider of many firms, and (as of a split) don't count. */
function fill(database: Database): void {
  const states = JOB_STATES.map((state, index) => `WHEN ${index} THEN '${state}'`).join(' ')
  database.write(() => {
    database.script(`
      WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ${JOBS})
      INSERT INTO job (seq, id, state, region, ses_id, sender, bounce_sender, reporting_mta, received_ms, deadline_ms,
        created_ms, changed_ms, sender_key)
      SELECT n, 'job' || n, 'sent', iif(n % 3 = 0, 'us-east-1', 'eu-west-1'), 'mail' || n,
        CASE WHEN n % 4000 = 1 THEN 'rare@origin.example' WHEN n % 4000 = 2 THEN 'split@elsewhere.example'
          WHEN n % 4000 IN (3, 4) THEN 'bounces@provider.example'
          ELSE 'often@origin.example' END,
        'b@yours.example', 'dns; mx', 0, n, n, n,
        CASE WHEN n % 4000 = 1 THEN 'rare@origin.example' WHEN n % 4000 = 2 THEN ''
          WHEN n % 4000 = 3 THEN 'bounces@provider.example firm' || n || '.example'
          WHEN n % 4000 = 4 THEN 'bounces@provider.example'
          ELSE 'often@origin.example' END
      FROM n;
      UPDATE job SET state = CASE seq % ${JOB_STATES.length} ${states} END WHERE seq % 97 = 0 AND state <> 'queued';
      INSERT INTO recipient (ses_id, address_key, job, address, bounce_type, status, diagnostic, rule, added_ms)
        SELECT ses_id, 'user' || seq || '@yours.example', seq, 'user' || seq || '@yours.example',
        'DoesNotExist', '5.1.1', 'smtp; 550', iif(seq % 5000 = 0, 'seldom', 'usual'), 0 FROM job;
    `)
  })
}

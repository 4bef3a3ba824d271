// Makes queue files with a day of jobs. The store adds the first job; the others are copies of its rows with other
// values, as adding them one by one would take longer than the measurement. Throws if the file isn't as expected.

import { copyFileSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { Database } from '../../src/queue/sqlite/database'
import { openWorkerQueue } from '../../src/queue/sqlite/open'
import { makeFolder } from './folder'
import { deadlineOf, requestOf } from './jobs'

const filled = new Map<number, string>()

/** Makes a file with so many waiting jobs, their deadlines spread over a day. The first time it takes seconds. */
export function queueWith(jobs: number, file: string): void {
  const ready = filled.get(jobs) ?? fill(jobs, path.join(makeFolder(), 'queue.sqlite'))
  filled.set(jobs, ready)
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
  copyFileSync(ready, file)
}

function fill(jobs: number, file: string): string {
  const nowMs = Date.now()
  const queue = openWorkerQueue(file, { create: true })
  if (jobs > 0) queue.add([requestOf(0, nowMs, deadlineOf(0, jobs, nowMs))], nowMs)
  queue.close()
  const database = new Database(file, { busyMs: 0, create: false })
  try {
    if (jobs > 1) multiply(database, jobs, nowMs)
    // everything into the one file that is copied
    database.pragma('wal_checkpoint(TRUNCATE)')
  } finally {
    database.close()
  }
  return file
}

function multiply(database: Database, jobs: number, nowMs: number): void {
  const stepMs = deadlineOf(1, jobs, nowMs) - deadlineOf(0, jobs, nowMs)
  const address = "'box' || m || '@example.com'"
  withoutTriggers(database, () => {
    copy(database, 'job', jobs, {
      ...OWN_ID,
      seq: 'seq + n',
      id: "id || '-' || n",
      sender: "'writer' || m || '@origin' || m || '.example'",
      sender_key: "'writer@origin' || m || '.example'",
      sender_domain: "'origin' || m || '.example'",
      deadline_ms: `deadline_ms + ${stepMs} * m`,
    })
    copy(database, 'recipient', jobs, { ...OWN_ID, job: 'job + n', address, address_key: address })
    copy(database, 'event', jobs, { job: 'job + n' })
  })
  const waiting = database.get("SELECT COUNT(*) AS jobs FROM job WHERE state = 'queued'")?.['jobs']
  if (waiting !== jobs) throw new Error(`${waiting} jobs wait instead of ${jobs}`)
}

/** Without triggers; their tables are filled at the end. */
export function withoutTriggers(database: Database, work: () => void): void {
  const triggers = database.all("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
  database.write(() => {
    for (const { name } of triggers) database.run(`DROP TRIGGER ${name}`)
    work()
    for (const { sql } of triggers) database.script(String(sql))
    sumUp(database)
  })
}

/** A prime, so that every number comes once. */
const SCATTER = 7919

/** Ids of the same length as SES's. */
const OWN_ID = { ses_id: "printf('%08d', m) || substr(ses_id, 9)" }

/**
 * Copies the only row. For each column, the value of the nth copy as SQL. `m` is n in another order, as values out of
 * order leave free space in the file's pages, as in a queue that has grown.
 */
function copy(
  database: Database,
  table: string,
  jobs: number,
  changes: Readonly<Record<string, string>>,
): void {
  const columns = database.pragma(`table_info(${table})`).map(({ name }) => String(name))
  const values = columns.map(column => changes[column] ?? column)
  database.run(
    `WITH RECURSIVE many (n, m) AS (
       SELECT 1, ${SCATTER} % ${jobs} UNION ALL SELECT n + 1, (n + 1) * ${SCATTER} % ${jobs} FROM many WHERE n < ${jobs - 1})
     INSERT INTO ${table} (${columns.join(', ')}) SELECT ${values.join(', ')} FROM ${table}, many`,
  )
}

function sumUp(database: Database): void {
  database.script('DELETE FROM job_count')
  database.run('INSERT INTO job_count SELECT region, state, COUNT(*) FROM job GROUP BY region, state')
}

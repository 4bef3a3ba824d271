// All that a queue file holds, as plain rows, for moving it to another engine. Only reads, a few jobs at a time.

import { createHash } from 'node:crypto'
import type { MonoMs } from '../../units'
import { thisProcess } from '../lease-owner'
import { Database, type Row, type Value } from './database'
import { resultsOf } from './idempotency'
import { isHeld } from './lead'
import { text } from './rows'
import { secret } from './secret'

/** Long, as nobody waits. */
const BUSY_MS = 5000
/** Jobs that are read together: with their history less than a megabyte. */
const AT_ONCE = 500

export interface StoredJob {
  job: Row
  recipients: Row[]
  events: Row[]
  /** Its row in the table refused. */
  refused?: Row
}

/** Rows by the names of their tables. */
export type OtherRows = Record<(typeof OTHER_TABLES)[number], Row[]>

/** Not of a process, nor of a job, nor counted from the others by triggers. */
const OTHER_TABLES = [
  'region',
  'pause',
  'audit',
  'blocked',
  'counter',
  'rule_hit',
  'decision',
  'only_recipient',
  'kept_due',
  'mail_file',
  'answer',
  'span',
] as const

export interface QueueContents {
  /** The same for a file as long as it exists, and for its copies. */
  id: string
  madeMs: number
  jobs: number
  /** Changes with every write of another process. */
  version(): number
  /** A dispatcher that runs has sent a heartbeat lately. */
  isLed(nowMonoMs: MonoMs, staleMs: number): boolean
  eachJob(): IterableIterator<StoredJob[]>
  others(): OtherRows
  close(): void
}

/** Brings a file of an earlier version to the newest. Never makes one. @throws QueueError */
export function openContents(file: string): QueueContents {
  const database = new Database(file, { busyMs: BUSY_MS, create: false })
  const number = (sql: string) => Number(Object.values(database.get(sql) ?? { none: 0 })[0])
  return {
    id: createHash('sha256')
      .update(`moved ${secret(database)}`)
      .digest('hex'),
    madeMs: number('SELECT at_ms FROM queue_made'),
    jobs: number('SELECT COUNT(*) FROM job'),
    version: () => database.version(),
    isLed: (nowMonoMs, staleMs) => {
      const row = database.get('SELECT * FROM dispatcher')
      return row !== undefined && isHeld(row, thisProcess(), nowMonoMs, staleMs)
    },
    eachJob: () => eachJob(database),
    others: () => ({
      ...(Object.fromEntries(
        OTHER_TABLES.map(table => [table, database.all(`SELECT * FROM ${table}`)]),
      ) as OtherRows),
      answer: database.all('SELECT * FROM answer').map(row => ({
        ...row,
        answer: JSON.stringify(resultsOf(JSON.parse(text(row['answer'])))),
      })),
    }),
    close: () => database.close(),
  }
}

function* eachJob(database: Database): IterableIterator<StoredJob[]> {
  for (let after = 0; ; ) {
    const jobs = database.all(`SELECT * FROM job WHERE seq > ? ORDER BY seq LIMIT ${AT_ONCE}`, after)
    const last = jobs.at(-1)
    if (last === undefined) return
    after = Number(last['seq'])
    const numbers = JSON.stringify(jobs.map(job => job['seq']))
    const of = (table: string, order: string) => {
      const bySeq = new Map<Value | undefined, Row[]>()
      const rows = database.all(
        `SELECT * FROM ${table} WHERE job IN (SELECT value FROM json_each(?)) ORDER BY ${order}`,
        numbers,
      )
      for (const row of rows) bySeq.set(row['job'], [...(bySeq.get(row['job']) ?? []), row])
      return bySeq
    }
    const recipients = of('recipient', 'added_ms, address_key')
    const events = of('event', 'rowid')
    const refused = of('refused', 'job')
    yield jobs.map(job => {
      const [own] = refused.get(job['seq']) ?? []
      return {
        job,
        recipients: recipients.get(job['seq']) ?? [],
        events: events.get(job['seq']) ?? [],
        ...(own && { refused: own }),
      }
    })
  }
}

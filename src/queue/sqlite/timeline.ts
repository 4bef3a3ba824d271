// What the page draws and lists of a queue, however long it is: ends of indexes and slots of deadlines.
// Reads only. Every query looks at a bounded number of rows.

import type { Blocker, DeadlineBucket } from '../figures'
import type { Job } from '../job'
import { blockedNow } from './breaker'
import type { Database, Row } from './database'
import { SPANS_MS } from './deadline-histogram'
import { readJobs } from './list'
import { text } from './rows'

/** Bounce senders have little to say beyond those. */
const MOST_BLOCKERS = 20
/** Of the jobs that were tried, so many are asked why they wait. */
const MOST_ASKED = 500
/** An hour and a bit. */
const SLOT_SPAN_MS = SPANS_MS.at(-1) ?? 0

/** By deadline. */
export function soonest(database: Database, limit: number): Job[] {
  const found = database
    .all('SELECT name FROM region')
    .flatMap(({ name }) =>
      database.all(
        "SELECT seq, deadline_ms FROM job WHERE state = 'queued' AND region = ? ORDER BY deadline_ms, seq LIMIT ?",
        text(name),
        limit,
      ),
    )
    .toSorted((one, other) => number(one, 'deadline_ms') - number(other, 'deadline_ms'))
    .slice(0, limit)
  return [
    ...readJobs(
      database,
      found.map(row => number(row, 'seq')),
      { states: ['queued'] },
    ),
  ]
}

/** Soonest first. */
export function deadlineBuckets(database: Database): DeadlineBucket[] {
  return database
    .all(
      // by region, as the slots are stored
      `SELECT at_ms, SUM(jobs) AS jobs FROM region CROSS JOIN slot ON region = name AND span_ms = ?
       GROUP BY at_ms ORDER BY at_ms`,
      SLOT_SPAN_MS,
    )
    .map(row => ({ fromMs: number(row, 'at_ms'), spanMs: SLOT_SPAN_MS, jobs: number(row, 'jobs') }))
}

export function blockers(database: Database): Blocker[] {
  const some = blockedNow(database).slice(0, MOST_BLOCKERS)
  return some.map(blocked => {
    const row = database.get(
      `SELECT reason FROM (
         SELECT reason, bounce_sender FROM job INDEXED BY job_due
         WHERE state = 'queued' AND region = ?1 AND not_before_ms > 0 LIMIT ${MOST_ASKED}
       ) WHERE reason <> '' AND bounce_sender = COALESCE(?2, bounce_sender) LIMIT 1`,
      blocked.region,
      blocked.bounceSender ?? null,
    )
    return { ...blocked, ...(row !== undefined && { why: text(row['reason']) }) }
  })
}

function number(row: Row, name: string): number {
  return Number(row[name] ?? 0)
}

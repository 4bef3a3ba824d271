// What the page draws and lists of a queue, however long it is: ends of indexes, spans of time, slots of deadlines.
// Reads only. Every query looks at a bounded number of rows; where there is more, it counts up to that.

import type { Blocker, DeadlineSlot, Span } from '../figures'
import type { Job } from '../job'
import { blockedNow } from './breaker'
import type { Database, Row } from './database'
import { jobsOf, text } from './rows'
import { SPANS_MS } from './slots'

/** In a span of five minutes six regions end as many at SES's pace. */
const MOST_ENDED = 2000
/** Of the jobs that were tried, so many are asked why they wait. */
const MOST_ASKED = 500
/** An hour and a bit. */
const SLOT_SPAN_MS = SPANS_MS.at(-1) ?? 0

/** By deadline. */
export function soonest(database: Database, limit: number): Job[] {
  const rows = database
    .all('SELECT name FROM region')
    .flatMap(({ name }) =>
      database.all(
        "SELECT * FROM job WHERE state = 'queued' AND region = ? ORDER BY deadline_ms, seq LIMIT ?",
        text(name),
        limit,
      ),
    )
    .toSorted((one, other) => number(one, 'deadline_ms') - number(other, 'deadline_ms'))
  return jobsOf(database, rows.slice(0, limit))
}

export function span(database: Database, fromMs: number, toMs: number): Span {
  const rows = database.all(
    `SELECT state, COUNT(*) AS n FROM (
       SELECT state FROM job INDEXED BY job_ended
       WHERE state IN ('sent', 'failed', 'expired', 'cancelled') AND changed_ms >= ? AND changed_ms < ? LIMIT ${MOST_ENDED}
     ) GROUP BY state`,
    fromMs,
    toMs,
  )
  const sent = rows.filter(row => row['state'] === 'sent').reduce((sum, row) => sum + number(row, 'n'), 0)
  const ended = rows.reduce((sum, row) => sum + number(row, 'n'), 0)
  return { sent, others: ended - sent, made: firstSince(database, toMs) - firstSince(database, fromMs) }
}

/** Jobs are numbered as they are made: the number of the first that was made then or later, found by halving. */
function firstSince(database: Database, ms: number): number {
  const ends =
    database.get('SELECT (SELECT MIN(seq) FROM job) AS low, (SELECT MAX(seq) FROM job) AS high') ?? {}
  let [low, high] = [number(ends, 'low'), number(ends, 'high') + 1]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const row = database.get('SELECT seq, created_ms FROM job WHERE seq >= ? ORDER BY seq LIMIT 1', middle)
    if (row === undefined || number(row, 'created_ms') >= ms) high = middle
    else low = number(row, 'seq') + 1
  }
  return low
}

/** Soonest first. */
export function deadlineSlots(database: Database): DeadlineSlot[] {
  return database
    .all(
      'SELECT at_ms, SUM(jobs) AS jobs FROM slot WHERE span_ms = ? GROUP BY at_ms ORDER BY at_ms',
      SLOT_SPAN_MS,
    )
    .map(row => ({ fromMs: number(row, 'at_ms'), spanMs: SLOT_SPAN_MS, jobs: number(row, 'jobs') }))
}

export function blockers(database: Database): Blocker[] {
  return blockedNow(database).map(blocked => {
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

// What the page draws and lists of a queue, however long it is: ends of indexes and slots of deadlines.
// Reads only. Every query looks at a bounded number of rows.

import type { Job } from '../job'
import type { DeadlineBucket } from '../stats'
import type { Database, Row } from './database'
import { SPANS_MS } from './deadline-histogram'
import { readJobs } from './list'
import { text } from './rows'

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

function number(row: Row, name: string): number {
  return Number(row[name] ?? 0)
}

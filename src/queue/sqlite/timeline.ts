// The data of the page's charts and lists: ends of indexes, and deadlines in memory. Only reads. Every query reads a
// limited number of rows, however long the queue is.

import type { Job } from '../job'
import type { DeadlineBucket } from '../stats'
import type { Database, Row } from './database'
import { readJobs } from './list'
import { text } from './rows'
import { waitingDeadlines } from './waiting-deadlines'

/** A quarter of an hour each. */
const BLOCKS_OF_HOUR = 4

/** The jobs with the soonest deadlines. */
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

/** The deadlines of all regions by hour, soonest first. */
export function deadlineBuckets(database: Database): DeadlineBucket[] {
  const hours = new Map<number, DeadlineBucket>()
  for (const histogram of waitingDeadlines(database).all().values())
    for (const bucket of histogram.buckets(BLOCKS_OF_HOUR)) {
      const jobs = bucket.jobs + (hours.get(bucket.fromMs)?.jobs ?? 0)
      hours.set(bucket.fromMs, { ...bucket, jobs })
    }
  return [...hours.values()].toSorted((one, other) => one.fromMs - other.fromMs)
}

function number(row: Row, name: string): number {
  return Number(row[name] ?? 0)
}

// Keeps the deadline histograms of all regions in step with the queue file: read whole once, then what has changed
// since. Triggers note each change (migrations/016-deadline-changes.sql), so that no writer of the file can forget to.

import type { EpochMs } from '../../units'
import { DeadlineHistogram } from '../deadline-histogram'
import type { Database } from './database'
import { text } from './rows'

/** The most changes to read: so many take as long as reading a day of jobs, some 15 ms. */
const MOST_CHANGES = 500
/** Changes that are kept for processes that are behind: one that is behind by more than MOST_CHANGES reads all jobs. */
const KEPT_CHANGES = 1000
/** Changes deleted in one transaction: some milliseconds, in which workers wait. */
const FORGOTTEN_AT_ONCE = 5000

type Change = [seq: number, region: string, deadlineMs: EpochMs, jobs: number]

/** One for each connection. */
const byHandle = new WeakMap<Database, WaitingDeadlines>()

export function waitingDeadlines(database: Database): WaitingDeadlines {
  const found = byHandle.get(database) ?? new WaitingDeadlines(database)
  byHandle.set(database, found)
  return found
}

export class WaitingDeadlines {
  readonly #db: Database
  #regions = new Map<string, DeadlineHistogram>()
  /** The last change that they include. Undefined: they were never read. */
  #upTo: number | undefined

  constructor(database: Database) {
    this.#db = database
  }

  /** The present state; in a caller's transaction the state before the caller changed a job. */
  of(region: string): DeadlineHistogram {
    return this.all().get(region) ?? new DeadlineHistogram()
  }

  /** The histograms by region. */
  all(): ReadonlyMap<string, DeadlineHistogram> {
    if (!this.#follow()) this.#readAll()
    return this.#regions
  }

  /** Reads the changes. False: some aren't on record any more, there are too many, or one doesn't fit. */
  #follow(): boolean {
    if (this.#upTo === undefined) return false
    // read as one row, as the driver is slow for each row
    const row = this.#db.get(
      `SELECT json_group_array(json_array(seq, region, deadline_ms, jobs)) AS changes FROM (
         SELECT * FROM deadline_change WHERE seq > ? ORDER BY seq LIMIT ${MOST_CHANGES})`,
      this.#upTo,
    )
    const changes = JSON.parse(text(row?.['changes'])) as Change[]
    const [first] = changes
    if (first === undefined) return true
    if (changes.length === MOST_CHANGES || first[0] !== this.#upTo + 1) return false
    for (const [seq, region, deadlineMs, jobs] of changes) {
      const histogram = this.#regions.get(region) ?? new DeadlineHistogram()
      this.#regions.set(region, histogram)
      if (jobs === 1) histogram.add(deadlineMs)
      else if (!histogram.remove(deadlineMs)) return false
      this.#upTo = seq
    }
    return true
  }

  #readAll(): void {
    this.#upTo = undefined
    this.#db.read(() => {
      const last = this.#db.get('SELECT MAX(seq) AS seq FROM deadline_change')
      // read as one text, as a row for each job takes five times as long
      const rows = this.#db.all(
        `SELECT region, json_group_array(deadline_ms) AS deadlines FROM job INDEXED BY job_next
         WHERE state = 'queued' GROUP BY region`,
      )
      this.#regions = new Map(
        rows.map(row => [
          text(row['region']),
          new DeadlineHistogram(sorted(JSON.parse(text(row['deadlines'])) as number[])),
        ]),
      )
      this.#upTo = Number(last?.['seq'] ?? 0)
    })
  }
}

/** The deadlines are sorted already, but SQLite doesn't promise it. */
function sorted(deadlines: readonly number[]): readonly number[] {
  const isSorted = deadlines.every((one, index) => index === 0 || one >= (deadlines[index - 1] ?? 0))
  return isSorted ? deadlines : deadlines.toSorted((one, other) => one - other)
}

/** Runs in the caller's transaction. The last change always stays, so that its number isn't used again. */
export function forgetDeadlineChanges(database: Database): void {
  database.run(
    `DELETE FROM deadline_change WHERE seq <= (SELECT MAX(seq) FROM deadline_change) - ${KEPT_CHANGES}
       AND seq < (SELECT MIN(seq) FROM deadline_change) + ${FORGOTTEN_AT_ONCE}`,
  )
}

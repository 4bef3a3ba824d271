// Views of the queue for people, commands, metrics and tests. Only reads, and never blocks a writer.

import type { QueueReader } from '../operator'
import { activity } from './activity-buckets'
import { auditReader } from './audit'
import { machineClock } from './clock'
import { recentDecisions, ruleHits, sums } from './counters'
import { Database } from './database'
import { listJobs } from './list'
import { mailTotals } from './mail-ledger'
import { lostSince, statesOf } from './outcomes'
import { pageOfJobs } from './page'
import { pauses } from './pauses'
import { relaySigns } from './relay-signs'
import { historyOf, jobOf, text } from './rows'
import { countByRule, countByState, stats } from './stats'
import { deadlineBuckets, soonest } from './timeline'

const BUSY_MS = 2000

/** `untouched`: changes and makes no file. For a single reading: later changes may not be seen. */
export function openQueueReader(
  file: string,
  { home = '', ...options }: { untouched?: true; home?: string } = {},
): SqliteQueueReader {
  return readerOf(new Database(file, { busyMs: BUSY_MS, create: false, ...options }), home)
}

/** Answers at once. */
export type SqliteQueueReader = ReturnType<typeof readerOf>

/** `home`: the folder of the mail on disk. */
export function readerOf(database: Database, home: string) {
  return {
    clock: machineClock,
    version: () => database.version(),
    job: id => {
      const row = database.get('SELECT * FROM job WHERE id = ?', id)
      return row && jobOf(database, row)
    },
    history: id => historyOf(database, id),
    pauses: () => pauses(database),
    jobs: (query = {}) => listJobs(database, query),
    page: query => pageOfJobs(database, query),
    soonest: limit => soonest(database, limit),
    stats: (now, pace) => stats(database, home, now, pace),
    countByState: () => countByState(database),
    countByRule: () => countByRule(database),
    regions: () =>
      database
        .all('SELECT name FROM region UNION SELECT region FROM job ORDER BY 1')
        .map(row => text(row['name'])),
    sums: () => sums(database),
    decisions: (limit?: number) => recentDecisions(database, limit),
    ruleHits: () => ruleHits(database),
    activity: fromMs => activity(database, fromMs),
    statesOf: recipients => statesOf(database, recipients),
    lostSince: (sinceMs, limit) => lostSince(database, sinceMs, limit),
    deadlineBuckets: () => deadlineBuckets(database),
    mailTotals: () => mailTotals(database, home),
    audit: auditReader(database),
    relaySigns: nowMs => relaySigns(database, nowMs),
    close: () => database.close(),
  } satisfies QueueReader
}

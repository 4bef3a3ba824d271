// Views of the queue for people, commands and tests. Reads only; never holds up a writer.

import { JOB_STATES, type JobEvent, type JobState } from '../job'
import type { QueueReader } from '../store'
import { Database } from './database'
import { jobOf, text } from './rows'

const BUSY_MS = 2000

/** `untouched`: nothing of the file changes, nor beside it. For one look: later changes may not be seen. */
export function openQueueReader(file: string, options: { untouched?: true } = {}): QueueReader {
  const database = new Database(file, { busyMs: BUSY_MS, create: false, ...options })
  return {
    job: id => {
      const row = database.get('SELECT * FROM job WHERE id = ?', id)
      return row && jobOf(database, row)
    },
    *jobs(filter = {}) {
      const rows = database.iterate(
        'SELECT * FROM job WHERE (?1 IS NULL OR ses_id = ?1) AND (?2 IS NULL OR state = ?2) ORDER BY deadline_ms, seq',
        filter.sesId ?? null,
        filter.state ?? null,
      )
      for (const row of rows) {
        yield jobOf(database, row)
      }
    },
    history: id =>
      database
        .all(
          'SELECT at_ms, what, detail FROM event JOIN job ON job.seq = event.job WHERE job.id = ? ORDER BY event.rowid',
          id,
        )
        .map(row => ({
          atMs: Number(row['at_ms']),
          what: text(row['what']) as JobEvent['what'],
          detail: text(row['detail']),
        })),
    countByState: () => {
      const counts = Object.fromEntries(JOB_STATES.map(state => [state, 0])) as Record<JobState, number>
      for (const row of database.all('SELECT state, COUNT(*) AS n FROM job GROUP BY state')) {
        counts[text(row['state']) as JobState] = Number(row['n'])
      }
      return counts
    },
    regions: () =>
      database
        .all('SELECT name FROM region UNION SELECT region FROM job ORDER BY 1')
        .map(row => text(row['name'])),
    close: () => database.close(),
  }
}

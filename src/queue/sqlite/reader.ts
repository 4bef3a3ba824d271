// Views of the queue for people, commands and tests. Reads only; never holds up a writer.

import type { QueueReader } from '../store'
import { Database } from './database'
import { countByState } from './overview'
import { relaySigns } from './relay-signs'
import { historyOf, jobOf, text } from './rows'

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
    history: id => historyOf(database, id),
    countByState: () => countByState(database),
    regions: () =>
      database
        .all('SELECT name FROM region UNION SELECT region FROM job ORDER BY 1')
        .map(row => text(row['name'])),
    relaySigns: nowMs => relaySigns(database, nowMs),
    close: () => database.close(),
  }
}

// A process's own handle of the queue file for handing over counts.
// Each handing over is one transaction that isn't flushed to the disk; a busy file is an error at once, not a wait.

import type { CounterStore } from '../counters'
import { addAll } from './counters'
import { Database } from './database'

/** In the process that serves SMTP: the next try is seconds away. */
const BUSY_MS = 50

/** Never makes a file. @throws QueueError */
export function openCounterStore(file: string): CounterStore {
  const database = new Database(file, { busyMs: BUSY_MS, create: false })
  return {
    add: counted => database.writeUnflushed(() => addAll(database, counted)),
    close: () => database.close(),
  }
}

// A process's connection to the queue file for flushing its counts. Each flush is one transaction, not synced to disk.
// A busy file is an error after a short time.

import type { Counted, CounterStore } from '../counters'
import { addAll } from './counters'
import { Database } from './database'

/** Short, as it runs in the process that serves SMTP, and tries again some seconds later. */
const BUSY_MS = 50

/** Answers at once. */
export type SqliteCounterStore = ReturnType<typeof openCounterStore>

/** Never makes a file. @throws QueueError */
export function openCounterStore(file: string) {
  const database = new Database(file, { busyMs: BUSY_MS, create: false })
  return {
    add: (counted: Counted) => database.writeUnflushed(() => addAll(database, counted)),
    close: () => database.close(),
  } satisfies CounterStore
}

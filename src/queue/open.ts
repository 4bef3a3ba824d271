// Opens the queue. Only this file, outside the engines' folders, knows the engines.

export { openCounterStore } from './sqlite/counter-store'
export { openDispatcherQueue, type SqliteDispatcherQueue } from './sqlite/dispatcher-queue'
export { openMailLedger } from './sqlite/mail-ledger'
export { makeQueueFile, makeQueueFileAs } from './sqlite/make-file'
export { openOperatorQueue } from './sqlite/operator-queue'
export { openQueueReader } from './sqlite/reader'
export { BUSY_MS, openWorkerQueue, type SqliteWorkerQueue } from './sqlite/worker-queue'

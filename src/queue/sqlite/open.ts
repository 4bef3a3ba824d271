// The queue in a SQLite file. The opened parts answer at once.

export { openContents } from './contents'
export { openCounterStore, type SqliteCounterStore } from './counter-store'
export { openDispatcherQueue, type SqliteDispatcherQueue } from './dispatcher-queue'
export { openMailLedger } from './mail-ledger'
export { makeQueueFile, makeQueueFileAs } from './make-file'
export { openOperatorQueue, type SqliteOperatorQueue } from './operator-queue'
export { openQueueReader, type SqliteQueueReader } from './reader'
export { BUSY_MS, openWorkerQueue, type SqliteWorkerQueue } from './worker-queue'

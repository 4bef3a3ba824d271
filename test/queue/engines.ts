// The engines that the model is held against, each with a store of its own: one more is a line here.

import path from 'node:path'
import type { QueueReader } from '../../src/queue/operator'
import { openDispatcherQueue, openQueueReader, openWorkerQueue } from '../../src/queue/sqlite/open'
import type { DispatcherQueue, WorkerQueue } from '../../src/queue/store'
import { temporaryFolder } from './support'

/** A store that is empty at first. */
export interface Store {
  worker(): WorkerQueue
  dispatcher(): DispatcherQueue
  reader(): QueueReader
  remove(): void
}

export const ENGINES: [name: string, make: () => Store][] = [['SQLite', sqliteStore]]

function sqliteStore(): Store {
  const { folder, remove } = temporaryFolder()
  const file = path.join(folder, 'queue.sqlite')
  return {
    worker: () => openWorkerQueue(file, { create: true }),
    dispatcher: () => openDispatcherQueue(file),
    reader: () => openQueueReader(file),
    remove,
  }
}

// Threads that read mail for the tests of commands: the same for all of them, as each takes a while to start.

import { openWorkerThreads, type WorkerThreads } from '../../src/worker-thread/worker-threads'
import { builtFile } from '../live/support/package-folder'
import { until } from '../live/support/wait'

let shared: WorkerThreads | undefined

/** They don't keep the process alive. */
export function sharedWorkerThreads(): WorkerThreads {
  shared ??= openWorkerThreads(builtFile('src/worker-thread/thread.js'))
  return { ...shared, close: () => undefined }
}

/** On a busy machine one may start too slowly for the mail that it is to read, and is given up. */
export async function readFirstMail(threads: WorkerThreads): Promise<void> {
  await until(() => threads.content(Buffer.from('Subject: x\r\n\r\nx'), 1).catch(() => undefined), {
    what: 'a thread that reads mail',
  })
}

before(() => readFirstMail(sharedWorkerThreads()))

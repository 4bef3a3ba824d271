// Makes the queue file, or brings it to the newest version, and reads it through once: for the start of Haraka.
// Root starts a process of the files' owner for that: SQLite opens files by name, and the owner of the folder could put
// a link in the place of a file.

import { spawnSync } from 'node:child_process'
import { errorMessage } from '../../errors'
import { Database } from './database'

const BUSY_MS = 5000

/** @throws QueueError */
export function makeQueueFile(file: string): void {
  const database = new Database(file, { busyMs: BUSY_MS, create: true })
  try {
    database.check()
  } finally {
    database.close()
  }
}

/** @throws Error with the error of the other process */
export function makeQueueFileAs(owner: { uid?: number; gid?: number }, file: string): void {
  const { status, signal, error, stderr } = spawnSync(process.execPath, [__filename, file], {
    ...owner,
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  })
  if (error) throw error
  if (status !== 0) throw new Error(stderr.trim() || `${file} can't be made: ${signal ?? status}`)
}

if (require.main === module) {
  try {
    makeQueueFile(process.argv[2] ?? '')
  } catch (error) {
    process.stderr.write(errorMessage(error))
    process.exitCode = 1
  }
}

// The file of the queue, as the file system has it: where it may lie, which one it is, and how it is made. Nothing here
// opens a file that is there.

import {
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  statfsSync,
  statSync,
} from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { errorMessage, QueueError } from '../../errors'

/** Magic numbers of statfs(2): file systems on which SQLite's locks or shared memory can't be trusted. */
const NETWORK_FILE_SYSTEMS = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x5346414f, 'AFS'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x73757245, 'Coda'],
])

/**
 * SQLite: URI filenames. Read-only, SQLite still makes a -wal file where there is none; but then nobody has the file
 * open, and it can be read as one that doesn't change.
 */
export function untouchedUri(file: string): string {
  return `${pathToFileURL(file).href}?${existsSync(`${file}-wal`) ? 'mode=ro' : 'mode=ro&immutable=1'}`
}

/** By its name: the file is never opened here (see `createEmpty`). */
export function identityOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false })
  return found === undefined ? '' : `${found.dev}:${found.ino}`
}

/** @throws QueueError QUEUE_NETWORK_FS */
export function refuseNetworkFileSystem(file: string): void {
  let folder = path.dirname(file)
  while (!existsSync(folder)) folder = path.dirname(folder)
  const name = NETWORK_FILE_SYSTEMS.get(statfsSync(folder).type >>> 0)
  if (name === undefined) return
  throw new QueueError(
    'QUEUE_NETWORK_FS',
    `${file}: the queue needs a local disk, and this is on a network file system (${name})`,
  )
}

/**
 * SQLite gives its -wal and -shm files the mode of the database, so that it must be right from the first byte. A file
 * that is there isn't opened: this process may have it open already, and would lose its locks when it closes it here
 * (sqlite.org/howtocorrupt.html section 2.2).
 * @throws QueueError QUEUE_UNWRITABLE
 */
export function createEmpty(file: string): void {
  try {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
    // the folder belongs to the workers, so root must not follow a link in it
    const found = lstatSync(file, { throwIfNoEntry: false })
    if (found?.isSymbolicLink()) throw new Error('it is a link')
    if (!found) closeSync(openSync(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600))
  } catch (error) {
    // another process has made it
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return
    throw new QueueError(
      'QUEUE_UNWRITABLE',
      `${file}: the queue file can't be made (${errorMessage(error)})`,
      {
        cause: error,
      },
    )
  }
}

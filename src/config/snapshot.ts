// The last good configuration on disk, for a process that starts while the files have errors.
// It is written completely or not at all; a copy that can't be read counts as missing.

import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import type { Owner } from './owner'
import { giveFile, makePrivateDir, refuseLink } from './private-files'

export interface Snapshot {
  /** ISO 8601. */
  savedAt: string
  /** Text of each file, by its name in the config directory. */
  sources: Record<string, string>
}

export function snapshotFile(harakaDir: string): string {
  return path.join(harakaDir, 'ses-bounce', 'last-good.json')
}

/** @throws Error of the file system */
export function saveSnapshot(file: string, snapshot: Snapshot, owner: Owner): void {
  const folder = path.dirname(file)
  makePrivateDir(folder, owner)
  refuseLink(file)
  const passing = `${file}.${process.pid}`
  // a process that was killed here may have left it
  rmSync(passing, { force: true })
  try {
    // wx: the folder may belong to another user, and a file that they put here must not be written to
    flushed(passing, 'wx', descriptor => {
      writeFileSync(descriptor, JSON.stringify(snapshot))
      giveFile(descriptor, owner)
    })
    renameSync(passing, file)
    flushed(folder, 'r', () => undefined)
  } catch (error) {
    rmSync(passing, { force: true })
    throw error
  }
}

export function loadSnapshot(file: string): Snapshot | undefined {
  try {
    const value: unknown = JSON.parse(readPlainFile(file))
    return isSnapshot(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Refuses a link, and a pipe, which would never end. */
function readPlainFile(file: string): string {
  const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants
  const descriptor = openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  try {
    return fstatSync(descriptor).isFile() ? readFileSync(descriptor, 'utf8') : ''
  } finally {
    closeSync(descriptor)
  }
}

function flushed(target: string, flags: 'wx' | 'r', write: (descriptor: number) => void): void {
  const descriptor = openSync(target, flags, 0o600)
  try {
    write(descriptor)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function isSnapshot(value: unknown): value is Snapshot {
  if (typeof value !== 'object' || value === null) return false
  if (!('savedAt' in value) || typeof value.savedAt !== 'string' || Number.isNaN(Date.parse(value.savedAt)))
    return false
  if (!('sources' in value) || typeof value.sources !== 'object' || value.sources === null) return false
  return Object.values(value.sources).every(text => typeof text === 'string')
}

// The last good configuration on disk, for a process that starts while the files are broken.
// It is written whole or not at all; what can't be read counts as none.

import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import path from 'node:path'
import { givePrivate, makePrivateDir, type Owner } from './owner'

export interface Snapshot {
  savedAt: string
  /** Text of each file, by its name in the config directory. */
  sources: Record<string, string>
}

export function snapshotFile(harakaDir: string): string {
  return path.join(harakaDir, 'ses-bounce', 'last-good.json')
}

/** @throws Error of the file system */
export function saveSnapshot(file: string, snapshot: Snapshot, owner: Owner): void {
  makePrivateDir(path.dirname(file), owner)
  const passing = `${file}.${process.pid}`
  try {
    const descriptor = openSync(passing, 'w', 0o600)
    try {
      writeSync(descriptor, JSON.stringify(snapshot))
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    givePrivate(passing, owner)
    renameSync(passing, file)
  } catch (error) {
    rmSync(passing, { force: true })
    throw error
  }
}

export function loadSnapshot(file: string): Snapshot | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return isSnapshot(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isSnapshot(value: unknown): value is Snapshot {
  if (typeof value !== 'object' || value === null) return false
  if (!('savedAt' in value) || typeof value.savedAt !== 'string') return false
  if (!('sources' in value) || typeof value.sources !== 'object' || value.sources === null) return false
  return Object.values(value.sources).every(text => typeof text === 'string')
}

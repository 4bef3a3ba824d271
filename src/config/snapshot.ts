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
  // a process that was killed may have left the file
  rmSync(passing, { force: true })
  try {
    // wx: in a folder of another user, a file that they made must not be written to
    flushed(passing, 'wx', descriptor => {
      writeFileSync(descriptor, JSON.stringify({ saved_at: snapshot.savedAt, sources: snapshot.sources }))
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
    const value = asRecord(JSON.parse(readPlainFile(file)))
    // 0.1.0 called it savedAt
    const savedAt = value?.['saved_at'] ?? value?.['savedAt']
    if (typeof savedAt !== 'string' || Number.isNaN(Date.parse(savedAt))) return undefined
    const sources = asRecord(value?.['sources'])
    return sources && isTexts(sources) ? { savedAt, sources } : undefined
  } catch {
    return undefined
  }
}

/** Refuses links, and pipes, which would never end. */
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

function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? { ...value } : undefined
}

function isTexts(sources: Record<string, unknown>): sources is Record<string, string> {
  return Object.values(sources).every(text => typeof text === 'string')
}

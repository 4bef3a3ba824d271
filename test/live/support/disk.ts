// A disk that is soon full.
// Always unmounted again, and never mounted over anything but an empty directory of its own.

import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmdirSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { atEnd } from './cleanup'

/** skipped: the machine doesn't let us mount; `why` is for the reader of the test run. */
export type DiskResult<T> = { outcome: 'done'; value: T } | { outcome: 'skipped'; why: string }

/** Calls `fn` with a directory on a tmpfs of sizeKb (rounded up to pages, 4 KB as a rule); rejects as `fn` does. */
export async function withTinyDisk<T>(
  sizeKb: number,
  fn: (dir: string) => Promise<T>,
): Promise<DiskResult<T>> {
  const dir = mkdtempSync(path.join(tmpdir(), 'tiny-disk-'))
  const mounted = run('mount', ['-t', 'tmpfs', '-o', `size=${sizeKb}k`, 'tmpfs', dir])
  if (mounted !== undefined) {
    rmdirSync(dir)
    return { outcome: 'skipped', why: `no tmpfs can be mounted here: ${mounted}` }
  }
  const forget = atEnd(() => unmount(dir))
  try {
    return { outcome: 'done', value: await fn(dir) }
  } finally {
    forget()
    unmount(dir)
  }
}

/** Until not one byte more can be written. */
export function fill(file: string): void {
  const fd = openSync(file, 'a')
  try {
    for (const size of [65_536, 4096, 1]) writeAll(fd, Buffer.alloc(size))
  } finally {
    closeSync(fd)
  }
}

function writeAll(fd: number, piece: Buffer): void {
  try {
    while (writeSync(fd, piece) === piece.length) continue
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  }
}

function unmount(dir: string): void {
  // -l: also while a process still has a file open there
  const failed = run('umount', [dir]) && run('umount', ['-l', dir])
  if (failed !== undefined) throw new Error(`${dir} is still mounted: ${failed}`)
  rmdirSync(dir)
}

/** Undefined: it worked; else what went wrong. */
function run(command: string, args: string[]): string | undefined {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (status === 0) return undefined
  return error?.message ?? (stderr.trim() || `${command} ended with ${status}`)
}

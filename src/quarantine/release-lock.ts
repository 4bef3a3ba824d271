// One release of a mail at a time on this host: two clicks, or a click and a command, would deliver it twice.
// The lock is a file that only one process can make; the file of a process that was killed counts for some minutes.

import { rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { makePrivateDir } from '../config/private-files'

/** Longer than a release takes: each of its replies has a minute (hand-back.ts), and there are a few. */
const STALE_MS = 900_000

/** Undefined: it is being released already. Faults of the disk throw. */
export async function oneAtATime<T>(
  folder: string,
  name: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  makePrivateDir(folder, {})
  const file = path.join(folder, name)
  if (!(await isMade(file))) {
    const found = await stat(file).catch(() => undefined)
    if (found !== undefined && Date.now() - found.mtimeMs < STALE_MS) return undefined
    await rm(file, { force: true })
    if (!(await isMade(file))) return undefined
  }
  try {
    return await work()
  } finally {
    await rm(file, { force: true })
  }
}

export function releaseLockFolder(harakaDir: string): string {
  return path.join(harakaDir, 'ses-bounce', 'releasing')
}

async function isMade(file: string): Promise<boolean> {
  try {
    await writeFile(file, '', { mode: 0o600, flag: 'wx' })
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

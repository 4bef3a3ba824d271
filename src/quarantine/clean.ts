// Removes quarantined mail that is older than [quarantine] keep, and unfinished files of a writer that was killed.
// Handles a limited number of files at a time, without blocking. Reports files that can't be removed; ignores others.

import { randomUUID } from 'node:crypto'
import { lstat, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { errorMessage } from '../errors'
import type { EpochMs } from '../units'
import { type MailFileName, openWalk } from './walk'

/** Age after which an unfinished file is removed: no writer takes a day. */
export const UNFINISHED_MS = 86_400_000

export interface Cleaned {
  /** Number of removed files. */
  removed: number
  faults: string[]
}

export interface Cleaner {
  /**
   * Continues where the last call stopped, and begins again after the end. `found` is called for each mail that stays.
   * `isNeeded`: the mail stays whatever its age. Never rejects.
   */
  clean(
    nowMs: EpochMs,
    keepMs: number,
    found?: (name: string, sizeBytes: number) => Promise<void>,
    isNeeded?: (name: string) => boolean | Promise<boolean>,
  ): Promise<Cleaned>
  close(): Promise<void>
}

export function openCleaner(folder: string, most?: number): Cleaner {
  const walk = openWalk(folder, most)
  return {
    async clean(nowMs, keepMs, found, isNeeded = () => false) {
      const done: Cleaned = { removed: 0, faults: [] }
      try {
        await walk.step(async file => {
          try {
            await cleanOne(folder, file, nowMs, keepMs, { done, isNeeded })
            if (file.ending === 'eml' && found) await report(folder, file, found)
          } catch (error) {
            done.faults.push(errorMessage(error))
          }
        })
      } catch (error) {
        done.faults.push(errorMessage(error))
      }
      return done
    },
    close: () => walk.close(),
  }
}

async function cleanOne(
  folder: string,
  { file, name, ending }: MailFileName,
  nowMs: EpochMs,
  keepMs: number,
  { done, isNeeded }: { done: Cleaned; isNeeded: (name: string) => boolean | Promise<boolean> },
): Promise<void> {
  if (ending === undefined) {
    if (await removeUnfinished(path.join(folder, file), nowMs)) done.removed += 1
    return
  }
  // the record last: the mail can't be found without it
  const both = ['eml', 'json'].map(extension => path.join(folder, `${name}.${extension}`))
  for (const one of both) if (!(await isOlder(one, nowMs - keepMs))) return
  if (await isNeeded(name)) return
  for (const one of both) if (await remove(folder, one, name, nowMs - keepMs)) done.removed += 1
}

/** True: its writer was killed long ago, and the file has been removed. */
export async function removeUnfinished(file: string, nowMs: EpochMs): Promise<boolean> {
  if (!(await isOlder(file, nowMs - UNFINISHED_MS))) return false
  await rm(file, { force: true })
  return true
}

async function report(
  folder: string,
  { file, name }: MailFileName,
  found: (name: string, sizeBytes: number) => Promise<void>,
): Promise<void> {
  try {
    const { size } = await lstat(path.join(folder, file))
    await found(name, size)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

/** Checks the age again, as the same mail may arrive at this moment and replace the old file. */
async function remove(folder: string, file: string, name: string, beforeMs: EpochMs): Promise<boolean> {
  const workerThreads = path.join(folder, `.${name}-${randomUUID()}${path.extname(file)}`)
  try {
    await rename(file, workerThreads)
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
  if (await isOlder(workerThreads, beforeMs)) {
    await rm(workerThreads, { force: true })
    return true
  }
  await rename(workerThreads, file)
  return false
}

/** A missing file counts as removed. */
export async function isOlder(file: string, beforeMs: EpochMs): Promise<boolean> {
  try {
    return (await lstat(file)).mtimeMs < beforeMs
  } catch (error) {
    if (isMissing(error)) return true
    throw error
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

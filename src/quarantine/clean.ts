// Removes quarantined mail when its time is over, and what a killed writer left half written.
// A bounded number of files at a time, without blocking; what can't be removed stays, and is said. Other files are left.

import { randomUUID } from 'node:crypto'
import { lstat, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { type MailFileName, openWalk } from './walk'

/** No mail takes a day to write. */
export const UNFINISHED_MS = 86_400_000

export interface Cleaned {
  /** Files. */
  removed: number
  faults: string[]
}

export interface Cleaner {
  /**
   * Goes on where the last call stopped, and begins again at the end. `found`: for each mail that stays. `isNeeded`: it
   * stays, however old it is. Never rejects.
   */
  clean(
    nowMs: number,
    keepMs: number,
    found?: (name: string, sizeBytes: number) => Promise<void>,
    isNeeded?: (name: string) => boolean,
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
            done.faults.push(messageOf(error))
          }
        })
      } catch (error) {
        done.faults.push(messageOf(error))
      }
      return done
    },
    close: () => walk.close(),
  }
}

async function cleanOne(
  folder: string,
  { file, name, ending }: MailFileName,
  nowMs: number,
  keepMs: number,
  { done, isNeeded }: { done: Cleaned; isNeeded: (name: string) => boolean },
): Promise<void> {
  if (ending === undefined) {
    if (await removeUnfinished(path.join(folder, file), nowMs)) done.removed += 1
    return
  }
  // the record goes last: a mail without one can't be found
  const both = ['eml', 'json'].map(extension => path.join(folder, `${name}.${extension}`))
  for (const one of both) if (!(await isOlder(one, nowMs - keepMs))) return
  if (isNeeded(name)) return
  for (const one of both) if (await remove(folder, one, name, nowMs - keepMs)) done.removed += 1
}

/** True: its writer was killed long ago, and it is gone. */
export async function removeUnfinished(file: string, nowMs: number): Promise<boolean> {
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

/** The same mail may come again at this moment, and its new file take the old one's place. */
async function remove(folder: string, file: string, name: string, beforeMs: number): Promise<boolean> {
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

/** One that isn't there is. */
export async function isOlder(file: string, beforeMs: number): Promise<boolean> {
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

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

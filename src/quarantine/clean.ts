// Removes quarantined mail when its time is over, and what a killed writer left half written.
// A bounded number of files at a time, without blocking; what can't be removed stays, and is said. Other files are left.

import { randomUUID } from 'node:crypto'
import type { Dir } from 'node:fs'
import { lstat, opendir, rename, rm } from 'node:fs/promises'
import path from 'node:path'

/** Files that one call looks at: some tens of milliseconds, none of them in this process's way. */
const MOST = 1000
/** No mail takes a day to write. */
const UNFINISHED_MS = 86_400_000

/** Both as `keepMail` names them. */
const KEPT = /^([\da-f]{24})\.(?:eml|json)$/
const UNFINISHED = /^\.([\da-f]{24})-[\da-f-]{36}\.(?:eml|json)$/

export interface Cleaned {
  /** Files. */
  removed: number
  faults: string[]
}

export interface Cleaner {
  /** Goes on where the last call stopped, and begins again at the end. Never rejects. */
  clean(nowMs: number, keepMs: number): Promise<Cleaned>
  close(): Promise<void>
}

export function openCleaner(folder: string, most = MOST): Cleaner {
  let dir: Dir | undefined
  const close = async () => {
    const open = dir
    dir = undefined
    await open?.close().catch(() => undefined)
  }
  return {
    async clean(nowMs, keepMs) {
      const done: Cleaned = { removed: 0, faults: [] }
      try {
        dir ??= await opendir(folder)
        for (let looked = 0; looked < most; looked++) {
          const entry = await dir.read()
          if (entry === null) {
            await close()
            break
          }
          await cleanOne(folder, entry.name, nowMs, keepMs, done)
        }
      } catch (error) {
        if (!isMissing(error)) done.faults.push(messageOf(error))
        await close()
      }
      return done
    },
    close,
  }
}

async function cleanOne(
  folder: string,
  name: string,
  nowMs: number,
  keepMs: number,
  done: Cleaned,
): Promise<void> {
  try {
    if (UNFINISHED.test(name)) {
      if (!(await isOlder(path.join(folder, name), nowMs - UNFINISHED_MS))) return
      await rm(path.join(folder, name), { force: true })
      done.removed += 1
      return
    }
    const [, stem] = KEPT.exec(name) ?? []
    if (stem === undefined) return
    // the record goes last: a mail without one can't be found
    const both = ['eml', 'json'].map(extension => path.join(folder, `${stem}.${extension}`))
    for (const file of both) if (!(await isOlder(file, nowMs - keepMs))) return
    for (const file of both) if (await remove(folder, file, stem, nowMs - keepMs)) done.removed += 1
  } catch (error) {
    done.faults.push(messageOf(error))
  }
}

/** The same mail may come again at this moment, and its new file take the old one's place. */
async function remove(folder: string, file: string, stem: string, beforeMs: number): Promise<boolean> {
  const aside = path.join(folder, `.${stem}-${randomUUID()}${path.extname(file)}`)
  try {
    await rename(file, aside)
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
  if (await isOlder(aside, beforeMs)) {
    await rm(aside, { force: true })
    return true
  }
  await rename(aside, file)
  return false
}

/** One that isn't there is. */
async function isOlder(file: string, beforeMs: number): Promise<boolean> {
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

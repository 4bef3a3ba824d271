// Goes through a folder of mail: reports what is there, removes mail that is older than [quarantine] keep, records
// without a mail, and unfinished files of a writer that was killed. A limited number of files in a step, without
// blocking. Faults are returned, and the next files follow.

import { randomUUID } from 'node:crypto'
import { lstat, rename, rm, unlink } from 'node:fs/promises'
import path from 'node:path'
import { errorMessage } from '../errors'
import type { EpochMs } from '../units'
import { isMissing } from './folder-moves'
import type { StoredFile, SweepOptions, Swept } from './mail-store'
import { type MailFileName, openWalk } from './walk'

/** Age after which an unfinished file is removed: no writer takes a day. */
const UNFINISHED_MS = 86_400_000
/** Age after which a record without a mail is removed: a mail is written in less, as Haraka limits a plugin's time. */
export const WRITING_MS = 600_000

/** `keepMs`: undefined keeps mail of any age. */
interface FolderSweep extends Pick<SweepOptions, 'nowMs' | 'isNeeded'> {
  keepMs?: number
  found: (name: string, file: StoredFile) => Promise<void>
}

export interface Cleaner {
  /** Continues where the last step stopped, and begins again after the end. Never rejects. */
  step(options: FolderSweep): Promise<Swept>
  close(): Promise<void>
}

export function openCleaner(folder: string, most?: number): Cleaner {
  const walk = openWalk(folder, most)
  return {
    async step(options) {
      const done: Swept = { removed: 0, faults: [] }
      try {
        await walk.step(async file => {
          try {
            done.removed += await cleanOne(folder, file, options)
            if (file.ending === 'eml') await report(folder, file, options.found)
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

/** The number of removed files. */
async function cleanOne(
  folder: string,
  { file, name, ending }: MailFileName,
  { nowMs, keepMs = Number.POSITIVE_INFINITY, isNeeded = () => false }: FolderSweep,
): Promise<number> {
  if (ending === undefined) return removeOld(path.join(folder, file), nowMs - UNFINISHED_MS)
  const [eml, json] = [path.join(folder, `${name}.eml`), path.join(folder, `${name}.json`)]
  if (ending === 'json' && (await isOlder(eml, Number.NEGATIVE_INFINITY)))
    return removeOld(json, nowMs - WRITING_MS)
  const beforeMs = nowMs - keepMs
  // the record last: the mail can't be found without it
  const both = [eml, json]
  for (const one of both) if (!(await isOlder(one, beforeMs))) return 0
  if (await isNeeded(name)) return 0
  let removed = 0
  for (const one of both) if (await removeUnlessNew(folder, one, name, beforeMs)) removed += 1
  return removed
}

async function removeOld(file: string, beforeMs: EpochMs): Promise<number> {
  if (!(await isOlder(file, beforeMs))) return 0
  try {
    await unlink(file)
    return 1
  } catch (error) {
    if (isMissing(error)) return 0
    throw error
  }
}

async function report(
  folder: string,
  { file, name }: MailFileName,
  found: FolderSweep['found'],
): Promise<void> {
  try {
    const { size, mtimeMs } = await lstat(path.join(folder, file))
    await found(name, { sizeBytes: size, atMs: mtimeMs })
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

/** Checks the age again, as the same mail may arrive at this moment and replace the old file. */
async function removeUnlessNew(
  folder: string,
  file: string,
  name: string,
  beforeMs: EpochMs,
): Promise<boolean> {
  const own = path.join(folder, `.${name}-${randomUUID()}${path.extname(file)}`)
  try {
    await rename(file, own)
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
  if (await isOlder(own, beforeMs)) {
    await rm(own, { force: true })
    return true
  }
  await rename(own, file)
  return false
}

/** A missing file counts as old. */
async function isOlder(file: string, beforeMs: EpochMs): Promise<boolean> {
  try {
    return (await lstat(file)).mtimeMs < beforeMs
  } catch (error) {
    if (isMissing(error)) return true
    throw error
  }
}

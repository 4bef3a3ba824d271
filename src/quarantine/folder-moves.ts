// Moves a mail between the folders `kept` and `quarantine`. A mail is moved in this order: write the new record, remove
// the old one, rename the mail. After the rename the old record isn't touched: it may be a new one by then, as another
// process may move the mail back at once. Each step can be repeated after a crash, and two processes may do it at once.

import { rmSync, statSync, unlinkSync } from 'node:fs'
import { mkdir, readFile, rename, rm, utimes } from 'node:fs/promises'
import path from 'node:path'
import type { MailPlace } from '../queue/mail-ledger'
import type { EpochMs } from '../units'
import { syncFolder } from './files'
import { type HeldRecipient, parseRecord, type QuarantineRecord } from './record'
import { writeRecord } from './write-files'

export type MailFolders = Readonly<Record<MailPlace, string>>

export async function readRecord(folder: string, name: string): Promise<QuarantineRecord | undefined> {
  try {
    return parseRecord(await readFile(path.join(folder, `${name}.json`), 'utf8'))
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Synchronous: takes less than to wait for an answer. */
export function isThere(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false }) !== undefined
}

/** The mail's record: beside the mail, or in the other folder, where a crash has left it while the mail was moved. */
export async function recordOf(
  folders: MailFolders,
  place: MailPlace,
  name: string,
): Promise<{ record: QuarantineRecord; isOwn: boolean } | undefined> {
  const own = await readRecord(folders[place], name)
  const record = own ?? (await readRecord(folders[place === 'kept' ? 'quarantine' : 'kept'], name))
  return record && { record, isOwn: own !== undefined }
}

/** Writes the record first: a mail without one could not be released. `fileMs`: now, by the clock that dates files. */
export async function moveToQuarantine(
  folders: MailFolders,
  name: string,
  held: HeldRecipient[],
  nowMs: EpochMs,
  fileMs: EpochMs,
): Promise<void> {
  await mkdir(folders.quarantine, { recursive: true, mode: 0o700 })
  const found = await recordOf(folders, 'kept', name)
  if (found !== undefined) {
    const quarantinedAt = new Date(nowMs).toISOString()
    await writeRecord(folders.quarantine, name, { ...found.record, quarantinedAt, held })
  }
  await rm(path.join(folders.kept, `${name}.json`), { force: true })
  const eml = path.join(folders.kept, `${name}.eml`)
  try {
    // [quarantine] keep counts from the file's time
    await utimes(eml, fileMs / 1000, fileMs / 1000)
    await rename(eml, path.join(folders.quarantine, `${name}.eml`))
  } catch (error) {
    // another process was faster
    if (!isMissing(error)) throw error
  }
  await syncFolder(folders.quarantine)
}

/** A mail without a record could not be released later. */
export async function moveToKept(
  folders: MailFolders,
  name: string,
  record: QuarantineRecord | undefined,
): Promise<void> {
  await mkdir(folders.kept, { recursive: true, mode: 0o700 })
  if (record !== undefined) await writeRecord(folders.kept, name, { ...record, held: [] })
  await rm(path.join(folders.quarantine, `${name}.json`), { force: true })
  await rename(path.join(folders.quarantine, `${name}.eml`), path.join(folders.kept, `${name}.eml`))
  await syncFolder(folders.kept)
}

/**
 * Deletes the mail before its record, as a record alone counts for nothing. Synchronous, as the queue may be locked.
 * False: there was no such mail.
 */
export function deleteMail(folder: string, name: string): boolean {
  try {
    unlinkSync(path.join(folder, `${name}.eml`))
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
  rmSync(path.join(folder, `${name}.json`), { force: true })
  return true
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

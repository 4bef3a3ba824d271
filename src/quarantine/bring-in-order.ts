// Moves a kept mail to the folder that the state of its jobs requires: it waits in `kept`, is held in the quarantine,
// or is deleted. Each step can be repeated after a crash, and two processes may run it at once.

import { statSync, unlinkSync } from 'node:fs'
import { mkdir, readFile, rename, rm, utimes } from 'node:fs/promises'
import path from 'node:path'
import type { Fate } from '../queue/mail-ledger'
import type { EpochMs } from '../units'
import { syncFolder } from './files'
import { writeRecord } from './keep'
import { type HeldRecipient, parseRecord, type QuarantineRecord } from './record'

export interface MailFolders {
  kept: string
  quarantine: string
}

/** `gone`: the mail is in neither folder. */
export type InOrder = 'waits' | 'moved' | 'held' | 'deleted' | 'gone'

export async function bringInOrder(
  folders: MailFolders,
  name: string,
  fate: Fate,
  nowMs: EpochMs,
): Promise<InOrder> {
  if (isThere(path.join(folders.kept, `${name}.eml`))) return orderKept(folders, name, fate, nowMs)
  // a record alone in `kept` may be of a mail that is being written at this moment: the sweep removes old ones
  if (isThere(path.join(folders.quarantine, `${name}.eml`))) return orderHeld(folders, name, fate)
  return 'gone'
}

/** The entries for a mail that the queue doesn't know any more, each with `reason`. */
export function orphanRecord(record: QuarantineRecord | undefined, reason: string): HeldRecipient[] {
  const recipients = record?.envelope.recipients ?? []
  return recipients.map(recipient => ({ recipient, rule: '', reason }))
}

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

async function orderKept(
  folders: MailFolders,
  name: string,
  { done, held, waits }: Fate,
  nowMs: EpochMs,
): Promise<InOrder> {
  if (held.length > 0) {
    await moveToQuarantine(folders, name, held, nowMs)
    return 'moved'
  }
  if (waits || done.length === 0) return 'waits'
  deleteMail(folders.kept, name)
  return 'deleted'
}

/**
 * The mail's record: beside the mail, or in the other folder, where a crash has left it while the mail was moved.
 * A mail is moved in this order: write the new record, remove the old one, rename the mail. After the rename the old
 * record isn't touched: it may be a new one by then, as another process may move the mail back at once.
 */
export async function recordOf(
  folders: MailFolders,
  place: keyof MailFolders,
  name: string,
): Promise<QuarantineRecord | undefined> {
  const other = place === 'kept' ? 'quarantine' : 'kept'
  return (await readRecord(folders[place], name)) ?? (await readRecord(folders[other], name))
}

/** Writes the record first: a mail without one could not be released. */
export async function moveToQuarantine(
  folders: MailFolders,
  name: string,
  held: HeldRecipient[],
  nowMs: EpochMs,
): Promise<void> {
  await mkdir(folders.quarantine, { recursive: true, mode: 0o700 })
  const record = await recordOf(folders, 'kept', name)
  if (record !== undefined) {
    const quarantinedAt = new Date(nowMs).toISOString()
    await writeRecord(folders.quarantine, name, { ...record, quarantinedAt, held })
  }
  await rm(path.join(folders.kept, `${name}.json`), { force: true })
  const eml = path.join(folders.kept, `${name}.eml`)
  try {
    // [quarantine] keep counts from the file's time
    await utimes(eml, nowMs / 1000, nowMs / 1000)
    await rename(eml, path.join(folders.quarantine, `${name}.eml`))
  } catch (error) {
    // another process was faster
    if (!isMissing(error)) throw error
  }
  await syncFolder(folders.quarantine)
}

/** Removes an entry when its bounce was made after all, by hand; without entries the mail is deleted. */
async function orderHeld(folders: MailFolders, name: string, { done, held, waits }: Fate): Promise<InOrder> {
  const own = await readRecord(folders.quarantine, name)
  const record = own ?? (await recordOf(folders, 'quarantine', name))
  if (record === undefined) return 'held'
  const isOf = (one: HeldRecipient) => (other: HeldRecipient) => other.recipient === one.recipient
  const kept = record.held.filter(
    one => !held.some(isOf(one)) && !done.some(({ address }) => address === one.recipient),
  )
  const now = [...kept, ...held]
  if (now.length === 0 && !waits) {
    deleteMail(folders.quarantine, name)
    return 'deleted'
  }
  if (own === undefined || JSON.stringify(now) !== JSON.stringify(record.held)) {
    await writeRecord(folders.quarantine, name, { ...record, held: now })
  }
  return 'held'
}

/** Deletes the mail before its record, as a record alone counts for nothing. Synchronous, as the queue may be locked. */
export function deleteMail(folder: string, name: string): void {
  for (const ending of ['eml', 'json']) {
    try {
      unlinkSync(path.join(folder, `${name}.${ending}`))
    } catch (error) {
      if (!isMissing(error)) throw error
    }
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

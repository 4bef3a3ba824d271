// The queue's record of mail on disk: its amount, and mail whose jobs have changed. Other code writes the files. The
// dispatcher corrects the record if a file is missing or not counted.

import { QueueError } from '../errors'
import { addressKey } from '../mail/address'
import { senderKey } from '../mail/sender-key'
import type { HeldRecipient } from '../quarantine/record'
import type { EpochMs, MonoMs } from '../units'
import { endedText, hasEnded, type JobState } from './job'
import type { Eventually } from './store'

/** `kept`: until SES has made its bounces. */
export const MAIL_PLACES = ['kept', 'quarantine'] as const
export type MailPlace = (typeof MAIL_PLACES)[number]

export interface MailFile {
  place: MailPlace
  /** The file's name without its ending. */
  name: string
  bytes: number
}

export type MailName = Omit<MailFile, 'bytes'>

export interface CountedFile extends MailFile {
  atMs: EpochMs
  /** Since when it is about to be removed. */
  removingMs?: EpochMs
}

/** A place in the list of the quarantine. */
export interface ListPosition {
  atMs: EpochMs
  name: string
}

/** A range of the quarantine's list, latest first. */
export interface ListRange {
  sinceMs?: EpochMs
  /** Mail from before then. */
  untilMs?: EpochMs
  /** The mail after which the range begins. */
  after?: ListPosition
  limit: number
}

/** Where the list begins: before everything that it may have. */
export function listStart({ untilMs = Number.MAX_SAFE_INTEGER, after }: ListRange): ListPosition {
  return after ?? { atMs: untilMs, name: '' }
}

export interface StoredMail {
  bytes: number
  mails: number
}

/** A recipient that a mail is kept for. */
export interface KeptRecipient {
  address: string
  rule: string
  jobId: string
  state: JobState
  /** The reason for the job's state. */
  why: string
  /** It wasn't certain that SES had the mail for this recipient. */
  isUnconfirmed: boolean
}

/** The limit that leaves no room: that of all mail, or of the sender. */
export type Full = 'limit' | 'sender'

/** One sender may fill this part of the limit. */
export const SENDER_SHARE = 1 / 10

/** In bytes: the mail on disk, that of its sender, the files that a mail has already, and those that are to be written. */
export interface Room {
  all: number
  ofSender: number
  own: number
  more: number
}

/** A mail that is delivered again replaces its own files. The sender's share never refuses their first mail. Pure. */
export function fullOf({ all, ofSender, own, more }: Room, limitBytes: number): Full | undefined {
  if (all - own + more > limitBytes) return 'limit'
  const others = ofSender - own
  return others > 0 && others + more > limitBytes * SENDER_SHARE ? 'sender' : undefined
}

/** For one Haraka directory. Every method throws QueueError. */
export interface MailLedger {
  /**
   * Counts files that are about to be written, all or none. Not flushed to the disk: files are counted anew.
   * @throws QueueError QUEUE_BUSY: one of them is about to be removed
   */
  reserve(
    files: readonly MailFile[],
    senderKey: string,
    limitBytes: number,
    nowMs: EpochMs,
  ): Eventually<Full | undefined>
  /**
   * Marks files without a recipient, also such as aren't counted: from then on `reserve` and `add` refuse them. Returns
   * the marked ones.
   */
  startRemoval(files: readonly MailName[], nowMs: EpochMs): Eventually<MailName[]>
  /** The marked files don't exist any more. */
  endRemoval(files: readonly MailName[]): Eventually<void>
  totals(): Eventually<Record<MailPlace, StoredMail>>
  /** Changes when another connection has written. */
  version(): Eventually<number>
  /** Mail whose jobs have changed, by name. */
  due(afterName: string, limit: number): Eventually<{ name: string; changes: number; sinceMs: EpochMs }[]>
  /** Unless its jobs have changed again since. `isDeleted`: its files are gone, too. */
  settled(name: string, changes: number, isDeleted?: boolean): Eventually<void>
  recipientsOf(name: string): Eventually<KeptRecipient[]>
  /** Another Haraka directory counts a file of this mail. */
  isElsewhere(name: string): Eventually<boolean>
  /** The counted files, in order of place and name. */
  files(after: Pick<MailFile, 'place' | 'name'> | undefined, limit: number): Eventually<CountedFile[]>
  /** The counted mail in the quarantine, latest first; quick however much there is. */
  latest(range: ListRange): Eventually<CountedFile[]>
  /** Records that a file of that size exists, since that time. */
  found(file: MailFile, senderKey: () => Promise<string>, atMs: EpochMs): Promise<void>
  /** Records that a file doesn't exist any more. */
  gone(file: MailName): Eventually<void>
  /** Moved from `kept` to the quarantine, now. */
  moved(name: string, nowMs: EpochMs): Eventually<void>
  /**
   * The mail isn't needed for these recipients any more. Undefined: for all whose bounce has ended. True: other
   * recipients need it, and it becomes due.
   */
  letGo(name: string, addresses: readonly string[] | undefined, nowMs: EpochMs): Eventually<boolean>
  /** Moved from the quarantine to `kept`. */
  putBack(name: string): Eventually<void>
  /** The time when the queue file was made. */
  madeMs(): Eventually<number>
  close(): Eventually<void>
}

/** A removal that takes longer may be ended by another process, so it must not go on. */
const LONGEST_REMOVAL_MS = 10_000
/** The process that began such a removal has ended, or will not go on. */
export const LOST_REMOVAL_MS = 60_000

/**
 * Removes files that no recipient needs. No transaction is open meanwhile, as a store may take its time: the marks keep
 * other processes from needing the files.
 */
export async function removeUnused(
  ledger: Pick<MailLedger, 'startRemoval' | 'endRemoval'>,
  files: readonly MailName[],
  remove: (file: MailName) => Eventually<unknown>,
  nowMs: EpochMs,
  monoMs: () => MonoMs = () => performance.now(),
): Promise<void> {
  const startMs = monoMs()
  const marked = await ledger.startRemoval(files, nowMs)
  for (const file of marked) {
    if (monoMs() - startMs > LONGEST_REMOVAL_MS) throw new Error('the removal of a mail took too long')
    await remove(file)
  }
  if (marked.length > 0) await ledger.endRemoval(marked)
}

/** The text of `add`'s error: the file is gone, and the relay delivers the mail again. */
export const NOT_KEPT = 'the mail was removed while it was written'

/** `queue`: its file, or its database. */
export function isBeingRemoved(queue: string): QueueError {
  return new QueueError('QUEUE_BUSY', `${queue}: an earlier copy of the mail is being removed`)
}

/** The key of the sender whose share of the storage a mail counts for. The null sender is one sender. */
export function storageKey(sender: string): string {
  return sender === '' ? '' : senderKey(sender)
}

/**
 * Recipients that need the mail no more, as `MailLedger.letGo` is asked. `isDue`: others do, and it is to be brought in
 * order for them. Pure.
 */
export function letGoOf(
  recipients: readonly KeptRecipient[],
  addresses: readonly string[] | undefined,
): { gone: KeptRecipient[]; isDue: boolean } {
  const keys = addresses?.map(addressKey)
  const gone = recipients.filter(
    ({ address, state }) => keys?.includes(addressKey(address)) ?? hasEnded(state),
  )
  return { gone, isDue: recipients.some(one => one.state !== 'sent' && !gone.includes(one)) }
}

export interface Fate {
  /** Recipients whose bounce SES has made, or that need no mail. */
  done: KeptRecipient[]
  /** Recipients whose bounce wasn't made, and won't be. */
  held: HeldRecipient[]
  /** Some bounce may still be made. */
  waits: boolean
}

/** `keepsUnconfirmed`: a mail that SES refused for an unconfirmed recipient is held; else it is dropped. Pure. */
export function fateOf(recipients: readonly KeptRecipient[], keepsUnconfirmed: boolean): Fate {
  const isDropped = ({ state, isUnconfirmed }: KeptRecipient) =>
    state === 'failed' && isUnconfirmed && !keepsUnconfirmed
  return {
    done: recipients.filter(one => one.state === 'sent' || isDropped(one)),
    held: recipients.filter(one => hasEnded(one.state) && !isDropped(one)).map(heldRecipient),
    waits: recipients.some(({ state }) => state !== 'sent' && !hasEnded(state)),
  }
}

function heldRecipient({ address, rule, jobId, state, why, isUnconfirmed }: KeptRecipient): HeldRecipient {
  const reason =
    state === 'failed' && isUnconfirmed
      ? `mismatch: SES refused its bounce, and may not have had the mail for this recipient: ${why}`
      : `its bounce has ${endedText(state)}: ${why}`
  return { recipient: address, rule, reason, job: jobId }
}

// The list of the quarantine, a page at a time, latest first. A page reads a limited number of records, however large
// the quarantine is and however rare the wanted mail: it may hold fewer mails than the limit.

import type { ListPosition, ListRange } from '../queue/mail-ledger'
import { senderTest } from '../queue/sender-filter'
import type { Eventually } from '../queue/store'
import type { EpochMs } from '../units'
import { type Kept, readKept } from './kept'
import type { CountedMail, MailStore } from './mail-store'
import { type QuarantineReason, reasonKind } from './reasons'
import { type QuarantineRecord, senderOf } from './record'

/** All defined fields must match; those about a recipient one and the same. */
export interface QuarantineFilter {
  reason?: QuarantineReason
  rule?: string
  /** The sender of record: an address, or `@host`. */
  sender?: string
  /** An address, or `@host`. */
  recipient?: string
  sinceMs?: EpochMs
  /** Mail from before then. */
  untilMs?: EpochMs
}

/** `next`: `after` of the next page. Undefined: there is none. */
export interface QuarantinePage {
  mails: Kept[]
  next?: ListPosition
}

/** The mails of the store, latest first. */
export type Latest = (range: ListRange) => Eventually<readonly Pick<CountedMail, 'name' | 'atMs'>[]>

/** Positions that are read together. */
const AT_ONCE = 100
/** Records that are read at the same time: a few reads of a disk, or questions to S3. */
const TOGETHER = 10

export async function pageOfQuarantine(
  store: MailStore,
  latest: Latest,
  { sinceMs, untilMs, ...filter }: QuarantineFilter,
  { limit, after }: { limit: number; after?: ListPosition },
): Promise<QuarantinePage> {
  const range = { ...(sinceMs !== undefined && { sinceMs }), ...(untilMs !== undefined && { untilMs }) }
  const matches = recordTest(filter)
  const isFiltered = Object.values(filter).some(one => one !== undefined)
  const mails: Kept[] = []
  let last = after
  for (let looked = 0; looked < store.looksAtOnce; ) {
    // one more tells whether there is a next page
    const wanted = isFiltered ? AT_ONCE : limit - mails.length + 1
    const asked = Math.min(AT_ONCE, wanted, store.looksAtOnce - looked)
    const files = await latest({ ...range, ...(last && { after: last }), limit: asked })
    looked += files.length
    for (const { file, kept } of await readAll(store, files)) {
      const isAsked = kept !== undefined && matches(kept.record)
      if (isAsked && mails.length === limit) return { mails, ...(last && { next: last }) }
      if (isAsked) mails.push(kept)
      last = { atMs: file.atMs, name: file.name }
    }
    if (files.length < asked) return { mails }
  }
  return { mails, ...(last && { next: last }) }
}

interface Read {
  file: ListPosition
  /** Undefined: it has just gone. */
  kept: Kept | undefined
}

async function readAll(store: MailStore, files: readonly ListPosition[]): Promise<Read[]> {
  const read: Read[] = []
  for (let from = 0; from < files.length; from += TOGETHER)
    read.push(
      ...(await Promise.all(
        files
          .slice(from, from + TOGETHER)
          .map(async file => ({ file, kept: await readKept(store, file.name) })),
      )),
    )
  return read
}

/** A record that can't be read matches no filter. */
function recordTest({
  reason,
  rule,
  sender,
  recipient,
}: Omit<QuarantineFilter, 'sinceMs' | 'untilMs'>): (record: QuarantineRecord | undefined) => boolean {
  const isFrom = senderTest(sender)
  const isTo = senderTest(recipient)
  const asksOfRecord = [reason, rule, sender, recipient].some(one => one !== undefined)
  const asksOfHeld = [reason, rule, recipient].some(one => one !== undefined)
  return record => {
    if (!asksOfRecord) return true
    if (record === undefined || !isFrom(senderOf(record))) return false
    return (
      !asksOfHeld ||
      record.held.some(
        held =>
          (reason === undefined || reasonKind(held.reason) === reason) &&
          (rule === undefined || held.rule === rule) &&
          isTo(held.recipient),
      )
    )
  }
}

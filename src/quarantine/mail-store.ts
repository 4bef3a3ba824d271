// Where mail is stored that waits for its bounces (kept), or that the policy kept back (quarantine): the raw mail, and a
// record of it. A folder (folder-store.ts), or a bucket of S3 (s3-store.ts). Names are those of `nameOf`; a name is in
// one place at a time. The mail decides whether it is there: a record alone counts for nothing.
// A method that rejects may have done a part; each can be repeated. Faults of the disk or of S3 are thrown as they are.

import type { Readable, Writable } from 'node:stream'
import type { MailPlace } from '../queue/mail-ledger'
import type { Eventually } from '../queue/store'
import type { EpochMs } from '../units'
import type { HeldRecipient, QuarantineRecord } from './record'

export interface StoredFile {
  sizeBytes: number
  /** The time when it was written, or came to the quarantine. */
  atMs: EpochMs
}

/** A mail on the queue's record. */
export interface CountedMail {
  place: MailPlace
  name: string
  atMs: EpochMs
}

/** The answer of one step through all mail. */
export interface Swept {
  /** Number of removed files. */
  removed: number
  faults: string[]
}

/** A step through all mail. */
export interface SweepOptions {
  nowMs: EpochMs
  /** Mail that has been in the quarantine for so long is removed. */
  keepMs: number
  /** Mail in the quarantine that stays whatever its age. */
  isNeeded?: (name: string) => Eventually<boolean>
  /** Called for each mail that stays. */
  found: (place: MailPlace, name: string, file: StoredFile) => Promise<void>
}

export interface MailStore {
  /** One host puts its mail in order, for all: the one whose dispatcher leads. Otherwise each host has its own. */
  readonly isOfAllHosts: boolean
  /** The same in all processes that use this store, and in no other: the queue counts mail by it. */
  readonly home: string
  /** The most records that one page of a list reads: less than a second's work. */
  readonly looksAtOnce: number
  /** For people: a path, or s3://... */
  locationOf(place: MailPlace, name: string): string
  has(place: MailPlace, name: string): Eventually<boolean>
  /** Undefined: it isn't there. */
  stat(place: MailPlace, name: string): Promise<StoredFile | undefined>
  /**
   * Replaces a mail of that name. Mail and record are durable when it resolves; when it rejects, a new one isn't there.
   * @param pipeRaw writes the raw mail to the stream and ends it
   */
  write(
    place: MailPlace,
    name: string,
    record: QuarantineRecord,
    pipeRaw: (to: Writable) => void,
  ): Promise<void>
  /** The raw mail, or its first bytes. */
  read(place: MailPlace, name: string, firstBytes?: number): Readable
  /**
   * Undefined: it can't be read. Also one that a crash has left in the other place; `isOwn` is false then.
   */
  record(place: MailPlace, name: string): Promise<{ record: QuarantineRecord; isOwn: boolean } | undefined>
  writeRecord(place: MailPlace, name: string, record: QuarantineRecord): Promise<void>
  /** From `kept` to the quarantine, where `[quarantine] keep` begins now. Another process may do the same at once. */
  hold(name: string, held: HeldRecipient[], nowMs: EpochMs): Promise<void>
  /** Moves a mail from the quarantine to `kept`. */
  putBack(name: string, record: QuarantineRecord | undefined): Promise<void>
  /** False: it isn't there. */
  remove(place: MailPlace, name: string): Eventually<boolean>
  /** The names of all mail in the quarantine, latest first. Slow where there is much. */
  names(): Promise<string[]>
  /** Looks at a limited number of files, after those of the last step. Also removes unfinished files. */
  sweep(options: SweepOptions): Promise<Swept>
  /** The time between two steps of a sweep. */
  readonly sweepPauseMs: number
  close(): Promise<void>
}

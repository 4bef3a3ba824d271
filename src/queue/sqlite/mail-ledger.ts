// The ledger of mail on disk, in the queue's file. Triggers update its sums, and note mail whose jobs have changed.
// `home`: the folder of the files. Haraka directories with one queue file have separate counts.

import { addressKey } from '../../mail/address'
import type { EpochMs } from '../../units'
import type { JobState } from '../job'
import {
  type CountedFile,
  type Full,
  fullOf,
  isBeingRemoved,
  type KeptRecipient,
  letGoOf,
  listStart,
  MAIL_PLACES,
  type MailFile,
  type MailLedger,
  type MailName,
  type MailPlace,
  type StoredMail,
} from '../mail-ledger'
import { Database, type Row } from './database'
import { text } from './rows'

/** Long, as the dispatcher's process may wait. */
const BUSY_MS = 3000

/** SQLite answers at once. */
type AtOnce<T> = {
  [K in keyof T]: T[K] extends (...asked: infer A) => infer R ? (...asked: A) => AnswerAtOnce<R> : T[K]
}
type AnswerAtOnce<R> = [R] extends [Promise<unknown>] ? R : Exclude<R, Promise<unknown>>

/** Never makes a file. @throws QueueError */
export function openMailLedger(
  file: string,
  home: string,
): ReturnType<typeof mailLedger> & { close(): void } {
  const database = new Database(file, { busyMs: BUSY_MS, create: false })
  return { ...mailLedger(database, home), close: () => database.close() }
}

/** The ledger on the caller's connection. */
export function mailLedger(database: Database, home: string): Omit<AtOnce<MailLedger>, 'close'> {
  return {
    reserve: (files, senderKey, limitBytes, nowMs) =>
      database.writeUnflushed(() => {
        if (files.some(file => isMarked(database, home, file))) throw isBeingRemoved(database.file)
        const full = fullness(database, home, files, senderKey, limitBytes)
        if (full === undefined) for (const one of files) setFile(database, home, one, senderKey, nowMs)
        return full
      }),
    startRemoval: (files, nowMs) =>
      database.writeUnflushed(() => {
        const unused = files.filter(({ name }) => !isUsed(database, name))
        for (const file of unused) markFile(database, home, file, nowMs)
        return unused.map(({ place, name }) => ({ place, name }))
      }),
    endRemoval: files =>
      database.writeUnflushed(() => {
        for (const file of files) if (isMarked(database, home, file)) removeFile(database, home, file)
      }),
    totals: () => mailTotals(database, home),
    version: () => Number(database.pragma('data_version')[0]?.['data_version'] ?? 0),
    due: (afterName, limit) =>
      database
        .all('SELECT * FROM kept_due WHERE name > ? ORDER BY name LIMIT ?', afterName, limit)
        .map(row => ({
          name: text(row['name']),
          changes: Number(row['changes']),
          sinceMs: Number(row['since_ms']),
        })),
    settled: (name, changes, isDeleted = false) =>
      database.writeUnflushed(() => {
        database.run('DELETE FROM kept_due WHERE name = ? AND changes = ?', name, changes)
        if (isDeleted) for (const place of MAIL_PLACES) removeFile(database, home, { place, name })
      }),
    recipientsOf: name => recipientsOf(database, name),
    isElsewhere: name =>
      database.get('SELECT 1 AS one FROM mail_file WHERE name = ? AND home <> ? LIMIT 1', name, home) !==
      undefined,
    files: (after, limit) =>
      database
        .all(
          'SELECT * FROM mail_file WHERE home = ? AND (place, name) > (?, ?) ORDER BY place, name LIMIT ?',
          home,
          after?.place ?? '',
          after?.name ?? '',
          limit,
        )
        .map(fileOf),
    latest: range => {
      const { atMs, name } = listStart(range)
      return database
        .all(
          `SELECT * FROM mail_file INDEXED BY mail_file_latest
           WHERE home = ? AND place = 'quarantine' AND (at_ms, name) < (?, ?) AND at_ms >= ? AND removing_ms IS NULL
           ORDER BY at_ms DESC, name DESC LIMIT ?`,
          home,
          atMs,
          name,
          range.sinceMs ?? 0,
          range.limit,
        )
        .map(fileOf)
    },
    found: async (file, senderKey, atMs) => {
      const { place, name, bytes } = file
      const row = database.get(
        'SELECT bytes, sender_key, removing_ms FROM mail_file WHERE home = ? AND place = ? AND name = ?',
        home,
        place,
        name,
      )
      if (row?.['bytes'] === bytes || typeof row?.['removing_ms'] === 'number') return
      const key = row === undefined ? await senderKey() : text(row['sender_key'])
      database.writeUnflushed(() => setFile(database, home, file, key, atMs))
    },
    gone: file => database.writeUnflushed(() => removeFile(database, home, file)),
    moved: (name, nowMs) => moveFile(database, home, name, 'kept', 'quarantine', nowMs),
    letGo: (name, addresses, nowMs) => database.write(() => letGo(database, name, addresses, nowMs)),
    putBack: name => moveFile(database, home, name, 'quarantine', 'kept'),
    madeMs: () => Number(database.get('SELECT at_ms FROM queue_made')?.['at_ms'] ?? 0),
  }
}

export function mailTotals(database: Database, home: string): Record<MailPlace, StoredMail> {
  const rows = database.all('SELECT place, bytes, mails FROM mail_total WHERE home = ?', home)
  const totalOf = (place: MailPlace): StoredMail => {
    const row = rows.find(one => one['place'] === place)
    return { bytes: Number(row?.['bytes'] ?? 0), mails: Number(row?.['mails'] ?? 0) }
  }
  return { kept: totalOf('kept'), quarantine: totalOf('quarantine') }
}

function fullness(
  database: Database,
  home: string,
  files: readonly MailFile[],
  senderKey: string,
  limitBytes: number,
): Full | undefined {
  const own = files.reduce((sum, file) => sum + (bytesOf(database, home, file) ?? 0), 0)
  const more = files.reduce((sum, { bytes }) => sum + bytes, 0)
  const sums = database.get(
    `SELECT (SELECT SUM(bytes) FROM mail_total WHERE home = ?1) AS everything,
       (SELECT bytes FROM mail_of_sender WHERE home = ?1 AND sender_key = ?2) AS of_sender`,
    home,
    senderKey,
  )
  const [all, ofSender] = [Number(sums?.['everything'] ?? 0), Number(sums?.['of_sender'] ?? 0)]
  return fullOf({ all, ofSender, own, more }, limitBytes)
}

function fileOf(row: Row): CountedFile {
  return {
    place: text(row['place']) as MailPlace,
    name: text(row['name']),
    bytes: Number(row['bytes']),
    atMs: Number(row['at_ms']),
    ...(typeof row['removing_ms'] === 'number' && { removingMs: row['removing_ms'] }),
  }
}

/** Undefined: the file isn't counted. */
function bytesOf(database: Database, home: string, { place, name }: MailName): number | undefined {
  const row = database.get(
    'SELECT bytes FROM mail_file WHERE home = ? AND place = ? AND name = ?',
    home,
    place,
    name,
  )
  return row && Number(row['bytes'])
}

function setFile(
  database: Database,
  home: string,
  { place, name, bytes }: MailFile,
  senderKey: string,
  nowMs: EpochMs,
): void {
  database.run(
    `INSERT INTO mail_file (home, place, name, sender_key, bytes, at_ms) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET sender_key = excluded.sender_key, bytes = excluded.bytes, at_ms = excluded.at_ms`,
    home,
    place,
    name,
    senderKey,
    bytes,
    nowMs,
  )
}

/** Marks files that aren't counted too, as a worker that comes to write such a file must find the mark. */
function markFile(database: Database, home: string, { place, name }: MailName, nowMs: EpochMs): void {
  database.run(
    `INSERT INTO mail_file (home, place, name, sender_key, bytes, at_ms, removing_ms) VALUES (?, ?, ?, '', 0, ?, ?)
     ON CONFLICT DO UPDATE SET removing_ms = excluded.removing_ms`,
    home,
    place,
    name,
    nowMs,
    nowMs,
  )
}

function isMarked(database: Database, home: string, { place, name }: MailName): boolean {
  const row = database.get(
    'SELECT removing_ms FROM mail_file WHERE home = ? AND place = ? AND name = ?',
    home,
    place,
    name,
  )
  return typeof row?.['removing_ms'] === 'number'
}

/** Whether the kept mail is counted, and isn't about to be removed. Runs in the caller's transaction. */
export function isKept(database: Database, home: string, name: string): boolean {
  const row = database.get(
    "SELECT removing_ms FROM mail_file WHERE home = ? AND place = 'kept' AND name = ?",
    home,
    name,
  )
  return row?.['removing_ms'] === null
}

function removeFile(database: Database, home: string, { place, name }: MailName): void {
  database.run('DELETE FROM mail_file WHERE home = ? AND place = ? AND name = ?', home, place, name)
}

/** Can be repeated: a file that was moved stays where it is. */
function moveFile(
  database: Database,
  home: string,
  name: string,
  from: MailPlace,
  to: MailPlace,
  atMs: EpochMs | null = null,
): void {
  database.writeUnflushed(() => {
    if (bytesOf(database, home, { place: from, name }) === undefined) return
    removeFile(database, home, { place: to, name })
    database.run(
      'UPDATE mail_file SET place = ?, at_ms = COALESCE(?, at_ms) WHERE home = ? AND place = ? AND name = ?',
      to,
      atMs,
      home,
      from,
      name,
    )
  })
}

function letGo(
  database: Database,
  name: string,
  addresses: readonly string[] | undefined,
  nowMs: EpochMs,
): boolean {
  const { gone, isDue } = letGoOf(recipientsOf(database, name), addresses)
  for (const { address } of gone)
    database.run(
      'UPDATE recipient SET kept = NULL WHERE kept = ? AND address_key = ?',
      name,
      addressKey(address),
    )
  if (!isDue) return false
  database.run(
    `INSERT INTO kept_due (name, since_ms) VALUES (?, ?)
     ON CONFLICT DO UPDATE SET changes = changes + 1, since_ms = excluded.since_ms`,
    name,
    nowMs,
  )
  return true
}

function isUsed(database: Database, name: string): boolean {
  return database.get('SELECT 1 AS one FROM recipient WHERE kept = ? LIMIT 1', name) !== undefined
}

function recipientsOf(database: Database, name: string): KeptRecipient[] {
  return database
    .all(
      'SELECT recipient.*, job.id AS job_id, job.state, job.reason FROM recipient JOIN job ON job.seq = recipient.job WHERE kept = ? ORDER BY address_key',
      name,
    )
    .map(row => ({
      address: text(row['address']),
      rule: text(row['rule']),
      jobId: text(row['job_id']),
      state: text(row['state']) as JobState,
      why: text(row['reason']),
      isUnconfirmed: row['unconfirmed'] === 2,
    }))
}

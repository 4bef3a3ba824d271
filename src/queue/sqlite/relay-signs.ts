// Reads the signs that a relay rewrites recipients from the queue file: counts of the last day, and refused recipients
// on record.

import type { EpochMs } from '../../units'
import type { OnlyRecipients } from '../counters'
import type { RelaySigns } from '../relay-signs'
import type { Database, Value } from './database'

const DAY_MS = 86_400_000
/** The most refusals to count: more of them mean the same. */
const MOST_REFUSED = 1000

export function relaySigns(database: Database, nowMs: EpochMs): RelaySigns {
  // job > 0 is always true: with it SQLite uses the index, up to the limit
  const refused = database.get(
    'SELECT COUNT(*) AS n FROM (SELECT 1 FROM recipient WHERE unconfirmed = 2 AND job > 0 LIMIT ?)',
    MOST_REFUSED,
  )
  const day = database.get(
    'SELECT SUM(mails) AS mails, SUM(beside_for) AS beside, SUM(notify_never) AS never FROM only_recipient WHERE hour_ms > ?',
    nowMs - DAY_MS,
  )
  return {
    refused: Number(refused?.['n'] ?? 0),
    mails: Number(day?.['mails'] ?? 0),
    besideFor: Number(day?.['beside'] ?? 0),
    notifyNever: Number(day?.['never'] ?? 0),
  }
}

export function addOnlyRecipients(
  database: Database,
  { hourMs, mails, besideFor, notifyNever }: OnlyRecipients,
): void {
  database.run(
    `INSERT INTO only_recipient (hour_ms, mails, beside_for, notify_never) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET mails = mails + excluded.mails, beside_for = beside_for + excluded.beside_for,
       notify_never = notify_never + excluded.notify_never`,
    hourMs,
    mails,
    besideFor,
    notifyNever,
  )
}

/** Notes that SES has refused a bounce for an unconfirmed recipient, or has made it. */
export function noteUnconfirmed(database: Database, jobSeq: Value, isRefused: boolean): void {
  database.run(
    'UPDATE recipient SET unconfirmed = ? WHERE job = ? AND unconfirmed > 0',
    isRefused ? 2 : 1,
    jobSeq,
  )
}

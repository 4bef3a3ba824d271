// The results of submissions with an idempotency key, written in the transaction of the jobs themselves.

import type { EpochMs } from '../../units'
import type { Submitted } from '../job'
import type { IdempotencyRecord } from '../store'
import type { Database } from './database'
import { text } from './rows'

export function recordOf(database: Database, key: string): IdempotencyRecord | undefined {
  const row = database.get('SELECT digest, answer FROM answer WHERE key = ?', key)
  return row && { digest: text(row['digest']), results: resultsOf(JSON.parse(text(row['answer']))) }
}

/** Runs in the caller's transaction. */
export function keepRecord(
  database: Database,
  key: string,
  { digest, results }: IdempotencyRecord,
  nowMs: EpochMs,
): void {
  database.run(
    'INSERT INTO answer (key, digest, answer, at_ms) VALUES (?, ?, ?, ?)',
    key,
    digest,
    JSON.stringify(results),
    nowMs,
  )
}

/** Up to version 14 the column held the API's whole answer. */
interface Worded {
  data?: {
    recipients?: { address: string; id: string; created_at: string; outcome: string; state: string }[]
  }
}

export function resultsOf(kept: Submitted[] | Worded): readonly Submitted[] {
  if (Array.isArray(kept)) return kept
  return (kept.data?.recipients ?? []).map(
    ({ address, id: jobId, created_at: createdAt, outcome, state }) =>
      ({ address, jobId, createdAtMs: Date.parse(createdAt), outcome, state }) as Submitted,
  )
}

/** Runs in the caller's transaction, and deletes at most so many. */
export function forgetRecords(database: Database, beforeMs: EpochMs, most: number): void {
  database.run(
    'DELETE FROM answer WHERE key IN (SELECT key FROM answer WHERE at_ms < ? LIMIT ?)',
    beforeMs,
    most,
  )
}

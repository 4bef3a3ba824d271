// Answers to requests that came with an idempotency key.
// An answer is written in the transaction of what it tells of: both are there, or neither.

import type { IdempotencyRecord } from '../store'
import type { Database } from './database'
import { text } from './rows'

export function answered(database: Database, key: string): IdempotencyRecord | undefined {
  const row = database.get('SELECT digest, answer FROM answer WHERE key = ?', key)
  return row && { digest: text(row['digest']), answer: text(row['answer']) }
}

/** Within the caller's transaction. */
export function keepAnswer(
  database: Database,
  key: string,
  { digest, answer }: IdempotencyRecord,
  nowMs: number,
): void {
  database.run(
    'INSERT INTO answer (key, digest, answer, at_ms) VALUES (?, ?, ?, ?)',
    key,
    digest,
    answer,
    nowMs,
  )
}

/** Within the caller's transaction, and at most so many. */
export function forgetAnswers(database: Database, beforeMs: number, most: number): void {
  database.run(
    'DELETE FROM answer WHERE key IN (SELECT key FROM answer WHERE at_ms < ? LIMIT ?)',
    beforeMs,
    most,
  )
}

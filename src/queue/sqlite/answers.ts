// Answers to orders that came with a key, and what views by page look things up with: one step of the tables.
// An answer is written in the transaction of what it tells of: both are there, or neither.

import type { Answered } from '../store'
import type { Database } from './database'
import { text } from './rows'

export const ANSWERS_STEP = `
  CREATE TABLE answer (
    key TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    answer TEXT NOT NULL,
    at_ms INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX answer_at ON answer (at_ms);

  -- of an expression, so that it is used where it is asked for: in a long queue most are queued
  CREATE INDEX job_state ON job (state || '');
  CREATE INDEX recipient_address ON recipient (address_key);
`

export function answered(database: Database, key: string): Answered | undefined {
  const row = database.get('SELECT digest, answer FROM answer WHERE key = ?', key)
  return row && { digest: text(row['digest']), answer: text(row['answer']) }
}

/** Within the caller's transaction. */
export function keepAnswer(
  database: Database,
  key: string,
  { digest, answer }: Answered,
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

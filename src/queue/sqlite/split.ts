// A refused call with several recipients becomes a call for each: one of them may be what SES doesn't want.
// Runs within the caller's transaction: either all of the recipients have a job of their own, or none.

import type { Database, Row } from './database'
import { addEvent, newJobId, text } from './rows'

/** The first recipient stays in the job. No recipient joins any of them again. */
export function splitJob(database: Database, row: Row, nowMs: number, refusal: string): void {
  const seq = row['seq'] ?? null
  const [, ...others] = database.all(
    'SELECT address_key, address FROM recipient WHERE job = ? ORDER BY address_key',
    seq,
  )
  const why = `on its own, since SES refused the call for all: ${refusal}`
  for (const { address_key: key } of others) {
    const copy = database.get(
      `INSERT INTO job (id, state, region, ses_id, sender, bounce_sender, bounce_sender_arn, reporting_mta, explanation,
         received_ms, deadline_ms, created_ms, changed_ms, alone)
       SELECT ?, 'queued', region, ses_id, sender, bounce_sender, bounce_sender_arn, reporting_mta, explanation,
         received_ms, deadline_ms, created_ms, ?, 1 FROM job WHERE seq = ? RETURNING seq`,
      newJobId(nowMs),
      nowMs,
      seq,
    )
    const copySeq = copy?.['seq'] ?? null
    database.run(
      'UPDATE recipient SET job = ? WHERE ses_id = ? AND address_key = ?',
      copySeq,
      text(row['ses_id']),
      key ?? null,
    )
    addEvent(database, copySeq, nowMs, 'queued', `split off job ${text(row['id'])}: ${why}`)
  }
  database.run(
    "UPDATE job SET state = 'queued', call_begun = 0, alone = 1, changed_ms = ?, reason = ? WHERE seq = ?",
    nowMs,
    refusal,
    seq,
  )
  addEvent(database, seq, nowMs, 'split', why)
}

// Writes the jobs of recipients that are split off a job. The rules are in ../split.ts. Runs in the caller's
// transaction.

import { addressKey } from '../../mail/address'
import type { EpochMs } from '../../units'
import type { Job } from '../job'
import { newJobId } from '../job-id'
import type { Split } from '../split'
import type { Database, Value } from './database'
import { addEvent } from './rows'

/** No recipient joins any of them. They count for no cap, as their mail has been counted. */
export function splitOff(
  database: Database,
  { sesId }: Job,
  seq: Value,
  { others, event }: Split,
  nowMs: EpochMs,
): void {
  for (const address of others) {
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
      sesId,
      addressKey(address),
    )
    addEvent(database, copySeq, nowMs, event.what, event.detail)
  }
}

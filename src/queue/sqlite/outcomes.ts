// The outcomes of recipients and of jobs, for the page: read by an index, however long the queue is.

import { addressKey } from '../../mail/address'
import type { EpochMs } from '../../units'
import type { Job, JobState } from '../job'
import type { JobInState, MailRecipient } from '../operator'
import type { Database } from './database'
import { readJobs } from './list'
import { text } from './rows'

export function statesOf(
  database: Database,
  recipients: readonly MailRecipient[],
): (JobInState | undefined)[] {
  const pairs = recipients.map(({ sesId, address }) => [sesId, addressKey(address)])
  const found = database.all(
    `SELECT asked.key AS place, job.id AS id, job.state AS state FROM json_each(?) AS asked
     CROSS JOIN recipient ON recipient.ses_id = asked.value->>0 AND recipient.address_key = asked.value->>1
     CROSS JOIN job ON job.seq = recipient.job`,
    JSON.stringify(pairs),
  )
  const byPlace = new Map(
    found.map(row => [Number(row['place']), { id: text(row['id']), state: text(row['state']) as JobState }]),
  )
  return recipients.map((_recipient, index) => byPlace.get(index))
}

const LOST = `FROM job INDEXED BY job_ended WHERE state IN ('sent', 'failed', 'expired', 'cancelled') AND changed_ms >= ?
  AND state IN ('failed', 'expired')`

export function lostSince(database: Database, sinceMs: EpochMs, limit: number): { jobs: Job[]; all: number } {
  const all = Number(database.get(`SELECT COUNT(*) AS n ${LOST}`, sinceMs)?.['n'] ?? 0)
  const rows = database.all(`SELECT seq ${LOST} ORDER BY changed_ms DESC, seq LIMIT ?`, sinceMs, limit)
  const jobs = readJobs(
    database,
    rows.map(row => Number(row['seq'])),
    {},
  )
  return { jobs: [...jobs], all }
}

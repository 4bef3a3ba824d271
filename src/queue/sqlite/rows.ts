// Converts between rows of the tables and the queue's plain data.

import type { BounceType } from '../../policy/decision'
import type { EpochMs } from '../../units'
import type { Job, JobEvent, JobFacts, JobRecipient, JobState } from '../job'
import type { Change } from '../transitions'
import type { Database, Row, Value } from './database'

export function jobOf(database: Database, row: Row): Job {
  return jobsOf(database, [row])[0] ?? { ...factsOf(row), recipients: [] }
}

/** The jobs in the order of the rows. */
export function jobsOf(database: Database, rows: readonly Row[]): Job[] {
  const recipients = database.all(
    'SELECT * FROM recipient WHERE job IN (SELECT value FROM json_each(?)) ORDER BY job, added_ms, address_key',
    JSON.stringify(rows.map(row => row['seq'])),
  )
  const byJob = new Map<Value, Row[]>(rows.map(row => [row['seq'] ?? null, []]))
  for (const row of recipients) byJob.get(row['job'] ?? null)?.push(row)
  return rows.map(row => ({
    ...factsOf(row),
    recipients: (byJob.get(row['seq'] ?? null) ?? []).map(recipientOf),
  }))
}

export function factsOf(row: Row): JobFacts {
  return {
    id: text(row['id']),
    state: text(row['state']) as JobState,
    region: text(row['region']),
    sesId: text(row['ses_id']),
    sender: text(row['sender']),
    bounceSender: text(row['bounce_sender']),
    ...optional('bounceSenderArn', row['bounce_sender_arn']),
    reportingMta: text(row['reporting_mta']),
    ...optional('explanation', row['explanation']),
    receivedAtMs: Number(row['received_ms']),
    deadlineMs: Number(row['deadline_ms']),
    createdAtMs: Number(row['created_ms']),
    changedAtMs: Number(row['changed_ms']),
    notBeforeMs: Number(row['not_before_ms']),
    tries: Number(row['tries']),
    unknownTries: Number(row['unknown_tries']),
    interruptions: Number(row['interruptions']),
    ...optional('reason', row['reason']),
    ...optional('messageId', row['message_id']),
  }
}

function recipientOf(row: Row): JobRecipient {
  return {
    address: text(row['address']),
    ...(Number(row['unconfirmed']) > 0 && { isUnconfirmed: true }),
    bounceType: text(row['bounce_type']) as BounceType,
    status: text(row['status']),
    diagnostic: text(row['diagnostic']),
    rule: text(row['rule']),
    addedAtMs: Number(row['added_ms']),
    ...optional('kept', row['kept']),
  }
}

/** Runs in the caller's transaction. */
export function applyChange(
  database: Database,
  seq: Value,
  change: Change,
  nowMs: EpochMs,
  { claims, settled }: { claims?: number; settled?: string } = {},
): void {
  database.run(
    `UPDATE job SET state = ?, call_begun = 0, changed_ms = ?, reason = COALESCE(?, reason),
       not_before_ms = COALESCE(?, not_before_ms), message_id = COALESCE(?, message_id), tries = COALESCE(?, tries),
       unknown_tries = COALESCE(?, unknown_tries), interruptions = COALESCE(?, interruptions),
       alone = COALESCE(?, alone), claims = COALESCE(?, claims), settled = COALESCE(?, settled) WHERE seq = ?`,
    change.state,
    nowMs,
    change.reason ?? null,
    change.notBeforeMs ?? null,
    change.messageId ?? null,
    change.tries ?? null,
    change.unknownTries ?? null,
    change.interruptions ?? null,
    change.isAlone ? 1 : null,
    claims ?? null,
    settled ?? null,
    seq,
  )
  for (const { what, detail } of change.events) addEvent(database, seq, nowMs, what, detail)
}

export function addEvent(
  database: Database,
  seq: Value,
  atMs: EpochMs,
  what: JobEvent['what'],
  detail: string,
): void {
  database.run('INSERT INTO event (job, at_ms, what, detail) VALUES (?, ?, ?, ?)', seq, atMs, what, detail)
}

/** Oldest first. */
export function historyOf(database: Database, id: string): JobEvent[] {
  return database
    .all(
      'SELECT at_ms, what, detail FROM event JOIN job ON job.seq = event.job WHERE job.id = ? ORDER BY event.rowid',
      id,
    )
    .map(row => ({
      atMs: Number(row['at_ms']),
      what: text(row['what']) as JobEvent['what'],
      detail: text(row['detail']),
    }))
}

export function text(value: Value | undefined): string {
  return typeof value === 'string' ? value : String(value ?? '')
}

function optional<K extends string>(key: K, value: Value | undefined): { [P in K]?: string } {
  return value === null || value === undefined ? {} : ({ [key]: text(value) } as { [P in K]?: string })
}

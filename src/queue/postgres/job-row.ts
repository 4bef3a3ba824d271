// A row of the table job with its recipients, as the function job_json gives it, and the queue's plain data of it.

import type { BounceType } from '../../policy/decision'
import type { Job, JobRecipient, JobState } from '../job'

/** The columns, which are null where they are optional and not set. */
export interface JobRow {
  seq: number
  id: string
  state: JobState
  region: string
  ses_id: string
  sender: string
  bounce_sender: string
  bounce_sender_arn: string | null
  reporting_mta: string
  explanation: string | null
  received_ms: number
  deadline_ms: number
  created_ms: number
  changed_ms: number
  not_before_ms: number
  tries: number
  unknown_tries: number
  interruptions: number
  call_begun: boolean
  reason: string | null
  message_id: string | null
  claims: number
  settled: unknown
  recipients: RecipientRow[]
}

export interface RecipientRow {
  address: string
  bounce_type: BounceType
  status: string
  diagnostic: string
  rule: string
  added_ms: number
  unconfirmed: number
  kept: string | null
}

export function jobOf(row: JobRow): Job {
  return {
    id: row.id,
    state: row.state,
    region: row.region,
    sesId: row.ses_id,
    sender: row.sender,
    bounceSender: row.bounce_sender,
    ...(row.bounce_sender_arn !== null && { bounceSenderArn: row.bounce_sender_arn }),
    reportingMta: row.reporting_mta,
    ...(row.explanation !== null && { explanation: row.explanation }),
    receivedAtMs: row.received_ms,
    deadlineMs: row.deadline_ms,
    createdAtMs: row.created_ms,
    changedAtMs: row.changed_ms,
    notBeforeMs: row.not_before_ms,
    tries: row.tries,
    unknownTries: row.unknown_tries,
    interruptions: row.interruptions,
    ...(row.reason !== null && { reason: row.reason }),
    ...(row.message_id !== null && { messageId: row.message_id }),
    recipients: row.recipients.map(recipientOf),
  }
}

function recipientOf(row: RecipientRow): JobRecipient {
  return {
    address: row.address,
    ...(row.unconfirmed > 0 && { isUnconfirmed: true }),
    bounceType: row.bounce_type,
    status: row.status,
    diagnostic: row.diagnostic,
    rule: row.rule,
    addedAtMs: row.added_ms,
    ...(row.kept !== null && { kept: row.kept }),
  }
}

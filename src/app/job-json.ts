// A job as JSON, the same in the API and on the command line. Pure.

import type { Job, JobEvent } from '../queue/job'

export function jobJson(job: Job): Record<string, unknown> {
  return {
    id: job.id,
    created_at: iso(job.createdAtMs),
    changed_at: iso(job.changedAtMs),
    state: job.state,
    ...(job.reason !== undefined && { reason: job.reason }),
    region: job.region,
    ses_id: job.sesId,
    original_message_id: job.sesId,
    received_at: iso(job.receivedAtMs),
    deadline_at: iso(job.deadlineMs),
    sender: job.sender,
    bounce_sender: job.bounceSender,
    ...(job.bounceSenderArn !== undefined && { bounce_sender_arn: job.bounceSenderArn }),
    reporting_mta: job.reportingMta,
    ...(job.explanation !== undefined && { explanation: job.explanation }),
    ...(job.messageId !== undefined && { message_id: job.messageId }),
    tries: job.tries,
    unknown_tries: job.unknownTries,
    interruptions: job.interruptions,
    ...(job.notBeforeMs > 0 && { not_before: iso(job.notBeforeMs) }),
    recipients: job.recipients.map(
      ({ address, isUnconfirmed, bounceType, status, diagnostic, rule, addedAtMs }) => ({
        address,
        ...(isUnconfirmed && { is_unconfirmed: true }),
        type: bounceType,
        status,
        diagnostic,
        rule,
        added_at: iso(addedAtMs),
      }),
    ),
  }
}

/** `mails`: the files that hold the raw mail. */
export function jobRecordJson(
  job: Job,
  history: readonly JobEvent[],
  mails: readonly string[],
): Record<string, unknown> {
  return {
    ...jobJson(job),
    ...(mails.length > 0 && { mails }),
    history: history.map(({ atMs, what, detail }) => ({ at: iso(atMs), what, detail })),
  }
}

/** In whole seconds, as SES has its times: one form, which every parser of dates reads. */
export function iso(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
}

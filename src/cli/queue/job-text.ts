// Formats a job as a page. Pure. The caller escapes control characters.

import { sendBounceInput } from '../../dispatch/send-bounce'
import type { Job, JobEvent } from '../../queue/job'
import type { EpochMs } from '../../units'
import { addressText, count, quotedText, timeText, utcText } from '../explain/words'

export function leftText(deadlineMs: EpochMs, nowMs: EpochMs): string {
  const leftMs = deadlineMs - nowMs
  return leftMs >= 0 ? `${timeText(leftMs)} left` : `${timeText(-leftMs)} too late`
}

/** A page with the whole record. `mails`: paths of the raw mail. */
export function jobPage(
  job: Job,
  history: readonly JobEvent[],
  nowMs: EpochMs,
  mails: readonly string[] = [],
): string[] {
  const {
    id,
    state,
    reason,
    messageId,
    bounceSenderArn: arn,
    notBeforeMs,
    tries,
    unknownTries,
    interruptions,
  } = job
  return [
    `${id}: ${state}${reason === undefined ? '' : `, ${reason}`}`,
    row('mail', `${job.sesId}, received ${timeOf(job.receivedAtMs)} in ${job.region}`),
    row('sender', addressText(job.sender)),
    ...job.recipients.map(recipientRow),
    row('from', `${addressText(job.bounceSender)}${arn === undefined ? '' : `, by ${arn}`}`),
    row('deadline', `${timeOf(job.deadlineMs)}, ${leftText(job.deadlineMs, nowMs)}`),
    row('attempts', `${tries}, ${unknownTries} with unknown outcome, ${interruptions} interrupted`),
    ...(state === 'queued' && notBeforeMs > nowMs ? [row('next', `not before ${timeOf(notBeforeMs)}`)] : []),
    ...(messageId === undefined ? [] : [row('bounce', messageId)]),
    ...mails.map(file => row('the mail', file)),
    '',
    `History, ${count(history.length, 'event')}`,
    ...history.map(({ atMs, what, detail }) => `  ${timeOf(atMs)} ${what}: ${detail}`),
    '',
    state === 'sent' ? 'SendBounce, as it was called' : 'SendBounce, as it would be called',
    ...JSON.stringify(sendBounceInput(job), null, 2)
      .split('\n')
      .map(line => `  ${line}`),
  ]
}

function recipientRow({
  address,
  isUnconfirmed,
  rule,
  bounceType,
  status,
  diagnostic,
}: Job['recipients'][number]): string {
  return row(
    'recipient',
    `${addressText(address)}${isUnconfirmed ? ' (unconfirmed)' : ''} by [${rule}]: ${bounceType}, ${status}, ${quotedText(diagnostic)}`,
  )
}

export function timeOf(ms: number): string {
  return utcText(new Date(ms).toISOString())
}

function row(what: string, text: string): string {
  return `  ${what.padEnd(10)} ${text}`
}

// Formats a job as a line and as a page. Pure. The caller escapes control characters.

import { sendBounceInput } from '../../dispatch/send-bounce'
import { hasEnded, type Job, type JobEvent } from '../../queue/job'
import type { EpochMs } from '../../units'
import { addressText, count, quotedText, timeText, utcText } from '../explain/words'

const SHOWN_RECIPIENTS = 3
const SHOWN_REASON = 100

/** `ID queued eu-west-1 23h 4m left a@yours.example <- joe@origin.example [rule] after 1 try: ...` */
export function jobLine(job: Job, nowMs: EpochMs): string {
  const shown = job.recipients.slice(0, SHOWN_RECIPIENTS).map(({ address }) => addressText(address))
  const more = job.recipients.length - shown.length
  const rules = [...new Set(job.recipients.map(({ rule }) => `[${rule}]`))]
  return [
    job.id,
    job.state.padEnd(9),
    job.region,
    whenText(job, nowMs),
    `${shown.join(',')}${more > 0 ? ` and ${more} more` : ''} <- ${addressText(job.sender)}`,
    rules.join(','),
    ...(job.reason === undefined || job.state === 'sent' ? [] : [`: ${cut(job.reason)}`]),
  ].join(' ')
}

/** For a waiting job the time left, for an ended one the time since its end. */
function whenText({ state, deadlineMs, changedAtMs }: Job, nowMs: EpochMs): string {
  if (hasEnded(state) || state === 'sent') return `${timeText(Math.max(0, nowMs - changedAtMs))} ago`
  return leftText(deadlineMs, nowMs)
}

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

function cut(text: string): string {
  return text.length > SHOWN_REASON ? `${text.slice(0, SHOWN_REASON)}...` : text
}

function row(what: string, text: string): string {
  return `  ${what.padEnd(10)} ${text}`
}

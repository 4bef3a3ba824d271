// Requests for bounces as the plugin makes them, each with its own texts and addresses. Pure.

import { senderKey } from '../../src/mail/sender-key'
import type { BounceRequest } from '../../src/policy/decision'
import { newSesId } from '../../test/live/support/mail'

/** A day of calls at one a second, the most that SES allows. */
export const DAY_OF_JOBS = 86_400
export const REGION = 'eu-west-1'

const HOUR_MS = 3_600_000
/** SES API: SendBounce. */
const WINDOW_MS = 24 * HOUR_MS
/** ses-bounce.ini: [limit] per_sender. */
const PER_SENDER = { count: 10, perMs: WINDOW_MS }

export function requestOf(number: number, nowMs: number, deadlineMs: number): BounceRequest {
  const sender = `writer${number}@origin${number % 40_000}.example`
  return {
    sesId: newSesId(),
    region: REGION,
    receivedAtMs: deadlineMs - WINDOW_MS,
    deadlineMs,
    sender,
    senderKey: senderKey(sender),
    bounceSender: 'mailer-daemon@example.com',
    reportingMta: 'dns; mx.example.com',
    rule: 'unknown-mailbox',
    caps: [{ by: 'sender', key: senderKey(sender), rate: PER_SENDER }],
    recipient: {
      address: `box${number}@example.com`,
      bounceType: 'DoesNotExist',
      status: '5.1.1',
      diagnostic: `smtp; 550 5.1.1 No such mailbox (${nowMs})`,
    },
  }
}

/** The deadline of one of so many jobs that were added over a day; none is within the next hour. */
export function deadlineOf(number: number, jobs: number, nowMs: number): number {
  return nowMs + HOUR_MS + Math.floor((number * (WINDOW_MS - HOUR_MS)) / jobs)
}

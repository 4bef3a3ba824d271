// What each answer of SES, or the lack of one, means for a job. Pure.
// In doubt the outcome is `unknown`: the call may have been carried out.

import type { Settings } from '../config/settings'
import { errorMessage } from '../errors'
import type { Job } from '../queue/job'
import type { Effect } from '../queue/store'

export type Outcome =
  | { kind: 'sent'; messageId: string }
  /** SES: one call a second; other callers of the account count too. */
  | { kind: 'throttled'; detail: string }
  /** SES did nothing with it: 5xx, or it wasn't reached. */
  | { kind: 'temporary'; detail: string }
  /** It may have been carried out. */
  | { kind: 'unknown'; detail: string }
  /** Not the mail's fault, and not passing by itself: credentials, permission, identity, quota, suspension. */
  | { kind: 'blocked'; scope: 'sender' | 'region'; detail: string }
  /** SES doesn't want this bounce. */
  | { kind: 'refused'; detail: string }

/** AWS: common errors of the query protocol. */
const THROTTLED = new Set([
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'SlowDown',
])
/** Somebody's policy forbids it. */
export const DENIED: ReadonlySet<string> = new Set(['AccessDenied', 'AccessDeniedException', 'NotAuthorized'])
/** The SDK finds no credentials. */
export const NO_CREDENTIALS: ReadonlySet<string> = new Set(['CredentialsProviderError', 'TokenProviderError'])
/** AWS doesn't take them. */
export const WRONG_CREDENTIALS: ReadonlySet<string> = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'IncompleteSignature',
  'InvalidClientTokenId',
  'MissingAuthenticationToken',
  'RequestExpired',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
])
const BLOCKED_REGION = new Set([
  ...DENIED,
  ...NO_CREDENTIALS,
  ...WRONG_CREDENTIALS,
  'AccountSendingPausedException',
  'LimitExceeded',
  'OptInRequired',
])

/** AWS: common errors, and SES API: SendBounce. It is this call that is wrong, and will be. */
const REFUSED = new Set([
  'InvalidParameterCombination',
  'InvalidParameterValue',
  'MalformedQueryString',
  'MissingParameter',
  'ValidationError',
  'ValidationException',
])

/** SES: MessageRejected is the mail's fault but for these texts. */
const NOT_VERIFIED = /not verified/i
const ACCOUNT = /paused|suspended|disabled|daily (?:message )?quota|sandbox/i
/** SES says Throttling for it too, but slowing down doesn't help (SES: troubleshooting, API error messages). */
const QUOTA = /daily (?:message )?quota/i

/** `result` is what the SDK resolved with. HTTP 200 with garbage resolves without a MessageId. */
export function outcomeOfResult(result: { MessageId?: string | undefined }): Outcome {
  return result.MessageId
    ? { kind: 'sent', messageId: oneLine(result.MessageId) }
    : { kind: 'unknown', detail: "SES's answer couldn't be read" }
}

/** `error` is what the SDK rejected with, of whatever type. `reached`: there was a connection to write the request to. */
export function outcomeOfError(error: unknown, reached: boolean): Outcome {
  const { name, status, message } = errorParts(error)
  const detail = oneLine(status === undefined ? `${name}: ${message}` : `${status} ${name}: ${message}`)
  if (NO_CREDENTIALS.has(name)) return { kind: 'blocked', scope: 'region', detail }
  if (status === undefined || (status >= 200 && status < 300)) {
    return { kind: reached ? 'unknown' : 'temporary', detail }
  }
  if (QUOTA.test(message)) return { kind: 'blocked', scope: 'region', detail }
  if (THROTTLED.has(name) || status === 429 || /rate exceeded|maximum sending rate/i.test(message))
    return { kind: 'throttled', detail }
  if (status >= 500) return { kind: 'temporary', detail }
  // this host's clock is wrong: the SDK takes SES's from here on
  if (WRONG_CREDENTIALS.has(name) && isClockCorrected(error)) return { kind: 'temporary', detail }
  if (BLOCKED_REGION.has(name) || status === 401 || status === 403)
    return { kind: 'blocked', scope: 'region', detail }
  if (name === 'MessageRejected' || name === 'MailFromDomainNotVerifiedException') {
    if (NOT_VERIFIED.test(message)) return { kind: 'blocked', scope: 'sender', detail }
    if (ACCOUNT.test(message)) return { kind: 'blocked', scope: 'region', detail }
    return { kind: 'refused', detail }
  }
  // any other 4xx may come from something in between, or pass: the job waits, and expires at the worst
  return { kind: REFUSED.has(name) ? 'refused' : 'temporary', detail }
}

/** Until the cause is mended there is no use in trying more often. */
export const BLOCKED_PAUSE_MS = 60_000

/** While a sender is paused by refusals, a job that was refused lets so many others be tried first. */
const TURNS = 10

/** No job is told to wait longer than this. */
export function longestPauseMs({ queue }: Pick<Settings, 'queue'>): number {
  return Math.max(queue.retryLongestMs, BLOCKED_PAUSE_MS * TURNS)
}

type RetrySettings = Pick<Settings['queue'], 'retryFirstMs' | 'retryLongestMs' | 'unknownTries'>

export function effectOf(
  outcome: Outcome,
  job: Job,
  settings: RetrySettings,
  nowMs: number,
  blockedPauseMs = BLOCKED_PAUSE_MS,
): Effect {
  switch (outcome.kind) {
    case 'sent':
      return {
        state: 'sent',
        messageId: outcome.messageId,
        detail: `SES made the bounce ${outcome.messageId}`,
      }
    case 'throttled':
      return { state: 'queued', what: 'throttled', notBeforeMs: 0, detail: outcome.detail }
    case 'temporary':
      return {
        state: 'queued',
        what: 'retry',
        notBeforeMs: nowMs + retryPauseMs(job.tries, settings),
        detail: outcome.detail,
      }
    case 'blocked':
      return {
        state: 'queued',
        what: 'retry',
        notBeforeMs: nowMs + blockedPauseMs,
        detail: outcome.detail,
        blocks: outcome.scope,
      }
    case 'refused':
      return {
        state: 'failed',
        detail: outcome.detail,
        pauses: {
          untilMs: nowMs + blockedPauseMs,
          ownUntilMs: nowMs + blockedPauseMs * TURNS,
        },
      }
    case 'unknown': {
      if (job.unknownTries + 1 >= settings.unknownTries) {
        return {
          state: 'held',
          detail: `the outcome of ${job.unknownTries + 1} calls is unknown, the last: ${outcome.detail}`,
        }
      }
      const notBeforeMs = nowMs + retryPauseMs(job.tries, settings)
      return { state: 'queued', what: 'unknown outcome', notBeforeMs, detail: outcome.detail }
    }
  }
}

/** Doubles with each try that was made before. */
export function retryPauseMs(
  tries: number,
  settings: { retryFirstMs: number; retryLongestMs: number },
): number {
  return Math.min(settings.retryFirstMs * 2 ** Math.min(tries, 30), settings.retryLongestMs)
}

/** `name`: AWS's code, where AWS has answered. */
export function errorParts(error: unknown): { name: string; status?: number; message: string } {
  if (typeof error !== 'object' || error === null) return { name: 'Error', message: errorMessage(error) }
  const { name, Code, message, $metadata } = error as Record<string, unknown>
  const status =
    typeof $metadata === 'object' && $metadata !== null && 'httpStatusCode' in $metadata
      ? $metadata.httpStatusCode
      : undefined
  return {
    name: typeof name === 'string' && name !== 'Error' ? name : typeof Code === 'string' ? Code : 'Error',
    message: typeof message === 'string' ? message : '',
    ...(typeof status === 'number' && { status }),
  }
}

/** AWS SDK: what was signed for another time than the server's was refused, and the next call is signed for the server's. */
function isClockCorrected(error: unknown): boolean {
  const { $metadata } = error as Record<string, unknown>
  return (
    typeof $metadata === 'object' &&
    $metadata !== null &&
    'clockSkewCorrected' in $metadata &&
    $metadata.clockSkewCorrected === true
  )
}

/** SES's words may quote the mail: one line of printable ASCII, not too long. */
export function oneLine(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[^ -~]/g, '?')
    .trim()
    .slice(0, 500)
}

// Classifies an answer of SES, or its absence, as an outcome. Pure.
// In doubt the outcome is `unknown`, as the call may have been carried out.

import { errorMessage } from '../errors'
import { NO_CREDENTIALS } from '../queue/call-failure'
import type { Outcome } from '../queue/effects'
import { namesOnlyOthers } from './sandbox'

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
/** Errors when a policy of IAM or SES forbids the call. */
export const DENIED: ReadonlySet<string> = new Set(['AccessDenied', 'AccessDeniedException', 'NotAuthorized'])
/** Errors when AWS rejects the credentials. */
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

/** AWS: common errors, and SES API: SendBounce. This call is wrong, now and later. */
const REFUSED = new Set([
  'InvalidParameterCombination',
  'InvalidParameterValue',
  'MalformedQueryString',
  'MissingParameter',
  'ValidationError',
  'ValidationException',
])

/** SES: MessageRejected concerns the mail, except with these texts. */
const NOT_VERIFIED = /not verified/i
const ACCOUNT = /paused|suspended|disabled|daily (?:message )?quota|sandbox/i
/** SES also answers Throttling then, but slowing down doesn't help (SES: troubleshooting, API error messages). */
const QUOTA = /daily (?:message )?quota/i

/** `result` is what the SDK resolved with. HTTP 200 with garbage resolves without a MessageId. */
export function outcomeOfResult(result: { MessageId?: string | undefined }): Outcome {
  return result.MessageId
    ? { kind: 'sent', messageId: oneLine(result.MessageId) }
    : { kind: 'unknown', detail: "SES's answer couldn't be read" }
}

/** The call that was refused. */
export interface RefusedCall {
  bounceSender: string
  /** The name of its account. Undefined: that of the usual credentials. */
  account?: string
}

/**
 * `error` is what the SDK rejected with, of whatever type. `reached`: there was a connection to write the request to.
 */
export function outcomeOfError(error: unknown, reached: boolean, call?: RefusedCall): Outcome {
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
  // this host's clock is wrong: from now on the SDK uses SES's time
  if (WRONG_CREDENTIALS.has(name) && isClockCorrected(error)) return { kind: 'temporary', detail }
  if (BLOCKED_REGION.has(name) || status === 401 || status === 403)
    return { kind: 'blocked', scope: 'region', detail }
  if (name === 'MessageRejected' || name === 'MailFromDomainNotVerifiedException') {
    if (call && NOT_VERIFIED.test(message) && namesOnlyOthers(message, call.bounceSender))
      return { kind: 'blocked', scope: 'region', detail: sandboxText(call, detail) }
    if (NOT_VERIFIED.test(message)) return { kind: 'blocked', scope: 'sender', detail }
    if (ACCOUNT.test(message)) return { kind: 'blocked', scope: 'region', detail }
    return { kind: 'refused', detail }
  }
  // any other 4xx may come from a proxy, or be temporary: the job is retried until its deadline
  return { kind: REFUSED.has(name) ? 'refused' : 'temporary', detail }
}

function sandboxText({ account }: RefusedCall, detail: string): string {
  const which = account === undefined ? 'the account' : `account ${account}`
  return oneLine(`${which} is in the sandbox: ${detail}`)
}

/** `name`: AWS's code, if AWS has answered. */
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

/** AWS SDK: the server refused a signature with another time, and the next call is signed with the server's time. */
export function isClockCorrected(error: unknown): boolean {
  const { $metadata } = error as Record<string, unknown>
  return (
    typeof $metadata === 'object' &&
    $metadata !== null &&
    'clockSkewCorrected' in $metadata &&
    $metadata.clockSkewCorrected === true
  )
}

/** SES's text as one short line of printable ASCII, as it may quote the mail. */
export function oneLine(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[^ -~]/g, '?')
    .trim()
    .slice(0, 500)
}

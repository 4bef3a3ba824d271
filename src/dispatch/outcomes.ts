// Which outcome an answer of SES is, or the lack of one. Pure.
// In doubt the outcome is `unknown`: the call may have been carried out.

import { errorMessage } from '../errors'
import type { Outcome } from '../queue/effects'

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

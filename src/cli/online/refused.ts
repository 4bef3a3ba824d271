// Classifies a refused or unanswered request to AWS, as the dispatcher does, with more detail.
// Pure. Every error of the SDK has a kind and a reason.

import { DENIED, errorParts, oneLine, outcomeOfError, WRONG_CREDENTIALS } from '../../dispatch/outcomes'
import { NO_CREDENTIALS } from '../../queue/call-failure'

export interface Refused {
  kind:
    | 'no credentials'
    | 'wrong credentials'
    /** A policy forbids it. */
    | 'denied'
    /** The bounce sender isn't verified. */
    | 'not verified'
    /** SES sends nothing for this account: it is paused, suspended, or at its quota. */
    | 'account'
    /** SES refuses this call. */
    | 'call'
    /** No answer of AWS's own: no connection, a timeout, throttling, a fault of AWS, or a proxy. */
    | 'no answer'
  /** AWS's code. */
  name: string
  /** One line of printable ASCII: AWS's code and words, or what happened. */
  reason: string
  /** The same call may be answered later. */
  isThrottled?: true
}

/** SES API: common errors. */
const ACCOUNT = new Set(['AccountSendingPausedException', 'LimitExceeded', 'OptInRequired'])

export function refusedBy(error: unknown): Refused {
  const { name, status, message } = errorParts(error)
  const reason = reasonOf(name, status, message || codeOf(error))
  const isThrottled = outcomeOfError(error, false).kind === 'throttled'
  return { kind: kindOf(error), name, reason, ...(isThrottled && { isThrottled }) }
}

function kindOf(error: unknown): Refused['kind'] {
  const { name, status } = errorParts(error)
  const outcome = outcomeOfError(error, false)
  if (NO_CREDENTIALS.has(name)) return 'no credentials'
  // also where the next call would be signed for AWS's time
  if (WRONG_CREDENTIALS.has(name) && status !== undefined && status < 500) return 'wrong credentials'
  if (outcome.kind === 'refused') return 'call'
  if (outcome.kind !== 'blocked') return 'no answer'
  if (DENIED.has(name)) return 'denied'
  if (outcome.scope === 'sender') return 'not verified'
  // any other 403 is of a proxy, or of a code that nobody knows
  return ACCOUNT.has(name) || (status !== 401 && status !== 403) ? 'account' : 'no answer'
}

function reasonOf(name: string, status: number | undefined, message: string): string {
  const isPlain = name === 'Error' || name === 'TimeoutError'
  if (status === undefined) return oneLine(isPlain ? message : `${name}: ${message}`)
  return oneLine(`${isPlain ? status : name}: ${message}`)
}

/** Node's code for the error, as the message is empty where every address of a host fails. */
function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'no reason was given'
}

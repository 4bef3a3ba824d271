// The type of bounce that a refusal becomes where the rule names none. Pure.

import type { Refusal } from '../mail/refusal'
import type { BounceType } from './decision'

/** By the status without its class; RFC 3463 section 3. */
const TYPES: readonly [status: RegExp, type: BounceType][] = [
  [/^(?:1\.(?:0|1|2|3|6|10)|2\.1)$/, 'DoesNotExist'],
  [/^2\.2$/, 'ExceededQuota'],
  [/^(?:2\.3|3\.4)$/, 'MessageTooLarge'],
  [/^6\.\d+$/, 'ContentRejected'],
]

export function bounceTypeOf({ stage, code, status }: Refusal): BounceType {
  // Haraka gave up, though the server refused for now only
  if (code < 500) return 'TemporaryFailure'
  const rest = status.slice('5.'.length)
  const type = TYPES.find(([pattern]) => pattern.test(rest))?.[1]
  return type ?? (stage === 'data' && rest.startsWith('7.') ? 'ContentRejected' : 'Undefined')
}

// Whether a refusal of a recipient stands whatever the rules say. Pure.

import { domainOf } from '../mail/address'
import type { Refusal } from '../mail/refusal'
import { standsAlways } from '../mail/standing-refusals'
import type { Policy } from './rule'

/** The reason in few words; undefined: a rule may make something else of it. `recipient`: as in RCPT TO. */
export function standsFor(
  { receivesFor }: Pick<Policy, 'receivesFor'>,
  recipient: string,
  refusal: Refusal,
): string | undefined {
  // relaying denied looks like a mailbox that nobody knows
  if (!receivesFor(domainOf(recipient) ?? '')) return 'the recipient is at a domain that is not ours'
  return standsAlways(refusal)
}

// Checks that SES's results prove the sender of record, where the bounce goes. A sender that isn't proved may be forged.
// Pure. Silence proves nothing, and neither does a text with two readings.

import type { AuthenticationLevel } from '../config/settings'
import { addressKey, domainOf, organisationalDomain } from '../mail/address'
import type { MailFacts, Receipt } from '../mail/facts'
import { withoutLabel } from '../mail/label'

/** In the log and in the reply; a reason may stand behind it. */
export const NOT_AUTHENTICATED = 'sender not authenticated'
export const NOT_THE_AUTHOR = `${NOT_AUTHENTICATED}: SPF didn't pass for it, and From isn't the same address`

/** RFC 5233 section 1: what most hosts take for the beginning of a label. */
const LABEL_SEPARATOR = '+'
/** Bounce address tag validation: draft-levine-smtp-batv section 4, `prvs=0123abcdef=user`, and `btv1==0123abcdef==user`. */
const BATV = /^(?:prvs=[0-9a-z]+=|btv1==[^=@]+==)(?=[^@])/

/**
 * Why the sender isn't proved, in the words of the log; undefined: it is. `senderDomain`: of the sender of record.
 *
 * A pass for another domain, as of a header From that its author may choose freely, proves nothing about who gets the
 * bounce. And a signature of a mailbox provider proves one of its users: sent again by somebody else (replayed), it comes
 * with any other user as MAIL FROM. So where SPF doesn't speak for the sender's domain, From must be the sender.
 */
export function unprovedSender(
  facts: Pick<MailFacts, 'sender' | 'author'> & { receipt?: Pick<Receipt, 'authentication'> },
  senderDomain: string,
  level: AuthenticationLevel,
): string | undefined {
  if (level === 'none') return undefined
  const authentication = facts.receipt?.authentication
  if (authentication === undefined) return NOT_AUTHENTICATED
  const { spfDomain, dkimDomains, dmarcDomain, flaw } = authentication
  if (flaw !== undefined) return `${NOT_AUTHENTICATED}: ${flaw}`
  const isSpfPass = spfDomain === senderDomain
  if (level === 'aligned' && isSpfPass) return undefined
  const organisation = organisationalDomain(senderDomain)
  const proved = dmarcDomain === undefined ? dkimDomains : [...dkimDomains, dmarcDomain]
  if (!proved.some(domain => organisationalDomain(domain) === organisation)) return NOT_AUTHENTICATED
  return isSpfPass || isAuthor(facts.author, facts.sender) ? undefined : NOT_THE_AUTHOR
}

/** The sender's tag and label don't count; nothing is taken off From, since its author could choose what is left. */
function isAuthor(author: string | undefined, sender: string): boolean {
  if (author === undefined || domainOf(author) === undefined) return false
  const key = addressKey(sender)
  const untagged = key.replace(BATV, '')
  const keys = [key, untagged, withoutLabel(key, LABEL_SEPARATOR), withoutLabel(untagged, LABEL_SEPARATOR)]
  return keys.includes(addressKey(author))
}

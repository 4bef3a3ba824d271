// Checks that SES's results prove the sender of record, which gets the bounce. A sender that isn't proved may be forged.
// A missing result proves nothing, and neither does a text with two readings.

import type { AuthenticationLevel } from '../config/settings'
import { addressKey, domainOf, organisationalDomain } from '../mail/address'
import type { MailFacts, Receipt } from '../mail/facts'
import { withoutLabel } from '../mail/label'
import type { AddressKey, AsciiDomain } from '../units'

/** The words in the log and the reply. A reason may follow. */
export const NOT_AUTHENTICATED = 'sender not authenticated'
export const NOT_THE_AUTHOR = `${NOT_AUTHENTICATED}: SPF didn't pass for it, and From isn't the same address`

/** RFC 5233 section 1: the separator that most hosts use. */
const LABEL_SEPARATOR = '+'
/**
 * Bounce address tag validation: draft-levine-smtp-batv section 4, `prvs=0123abcdef=user`, and
 * `btv1==0123abcdef==user`.
 */
const BATV = /^(?:prvs=[0-9a-z]+=|btv1==[^=@]+==)(?=[^@])/

/**
 * The reason why the sender isn't proved, in the words of the log. Undefined: it is. `senderDomain`: of the sender of
 * record.
 *
 * A pass for another domain, such as that of a freely chosen From, proves nothing about the sender of record. A mailbox
 * provider's signature proves only one of its users: replayed by an attacker, it can come with any other user as MAIL
 * FROM. So if SPF didn't pass for the sender's domain, From must be the sender.
 */
export function unprovedSender(
  facts: Pick<MailFacts, 'sender' | 'author'> & {
    receipt?: Pick<Receipt, 'authentication'> | undefined
  },
  senderDomain: AsciiDomain,
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

/** Ignores the sender's tag and label. From must match exactly, as its author could choose a tag to remove. */
function isAuthor(author: string | undefined, sender: string): boolean {
  if (author === undefined || domainOf(author) === undefined) return false
  const key = addressKey(sender)
  const untagged = key.replace(BATV, '') as AddressKey
  const keys = [key, untagged, withoutLabel(key, LABEL_SEPARATOR), withoutLabel(untagged, LABEL_SEPARATOR)]
  return keys.includes(addressKey(author))
}

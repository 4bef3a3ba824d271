// The guards prevent bounces that would go to a machine, to ourselves, or to a person whose address was forged.
// In doubt a guard prevents the bounce: a missing bounce can be made later, backscatter can't be undone.

import type { GuardSettings } from '../config/settings'
import { addressKey, domainOf, isSubdomainOrSame } from '../mail/address'
import type { MailFacts, Receipt, RecipientFacts } from '../mail/facts'
import { withoutLabel } from '../mail/label'
import { verdictsOf } from '../mail/verdicts'
import type { AddressKey, AsciiDomain } from '../units'
import { someParent } from './address-patterns'
import { automatic } from './automatic'
import { tellsOfSpam, tellsOfVirus } from './content-refusals'
import { NOT_AUTHENTICATED, unprovedSender } from './proved-sender'

/** The input of the guards: a mail's facts, or a submission by hand, which has no header. */
export interface GuardSubject
  extends Pick<MailFacts, 'sender' | 'author' | 'headerIsCut' | 'readings' | 'verdictsWithoutReceipt'> {
  receipt?: Pick<Receipt, 'authentication' | 'verdicts'> | undefined
}

export interface GuardedRecipient extends Pick<RecipientFacts, 'address'> {
  envelope: Pick<RecipientFacts['envelope'], 'notifyNever' | 'refusals'>
}

export interface GuardContext {
  bounceSender: string
  /** The senders of bounces by all rules. */
  bounceSenders: readonly string[]
  /** Whether SES receives for a domain (A-labels, lower case). */
  receivesFor(domain: AsciiDomain): boolean
  /** [relay] label_separator. */
  labelSeparator: string
  /** A condition of the rule names exactly this recipient. */
  isNamed: boolean
}

/** The words of each guard in the reply and in the log; docs/why-not-bounced.md explains them. */
export const GUARD_DETAILS = {
  nullSender: 'null sender',
  notifyNever: 'NOTIFY=NEVER',
  noAddress: 'sender is not an address',
  headerIsCut: 'header is cut',
  bounceSender: 'bounce sender',
  ownDomain: 'sender is one of our own domains',
  automaticReply: 'automatic reply',
  report: 'delivery report',
  virus: 'virus',
  spam: 'spam',
  listMail: 'list mail',
  roleAddress: 'role address',
  notAuthenticated: NOT_AUTHENTICATED,
} as const

/** The reason why the mail must not be bounced for this recipient; undefined: it may be bounced. */
export function guard(
  facts: GuardSubject,
  recipient: GuardedRecipient,
  settings: GuardSettings,
  context: GuardContext,
): string | undefined {
  // RFC 5321 section 6.1 and RFC 3461 section 4.1: these and the three below can't be turned off
  if (facts.sender === '' || facts.sender === '<>') return GUARD_DETAILS.nullSender
  if (recipient.envelope.notifyNever) return GUARD_DETAILS.notifyNever
  const senderDomain = domainOf(facts.sender)
  if (senderDomain === undefined) return GUARD_DETAILS.noAddress
  // answers to bounces go to this address, and each would be bounced again
  if (isBounceSender(recipient.address, context)) return GUARD_DETAILS.bounceSender
  // the part that was cut may hold fields that the other guards search
  if (facts.headerIsCut) return GUARD_DETAILS.headerIsCut
  if (settings.own_domains && isOwnDomain(senderDomain, recipient, context)) {
    return GUARD_DETAILS.ownDomain
  }
  if (settings.replied && automatic(facts).isReply) return GUARD_DETAILS.automaticReply
  if (settings.replied && automatic(facts).isReport) return GUARD_DETAILS.report
  const { refusals = [] } = recipient.envelope
  if (settings.virus && (verdictsOf(facts).virus === 'fail' || refusals.some(tellsOfVirus)))
    return GUARD_DETAILS.virus
  if (settings.spam && (verdictsOf(facts).spam === 'fail' || refusals.some(tellsOfSpam)))
    return GUARD_DETAILS.spam
  if (settings.list_mail && automatic(facts).isListMail) return GUARD_DETAILS.listMail
  if (!context.isNamed && isRoleAddress(recipient.address, settings.role_addresses, context.labelSeparator))
    return GUARD_DETAILS.roleAddress
  return unprovedSender(facts, senderDomain, settings.authentication)
}

/** The address may have a label. `roles`: local parts or whole addresses. */
export function isRoleAddress(address: string, roles: readonly string[], labelSeparator: string): boolean {
  return mailboxKeys(address, labelSeparator).some(key => {
    const local = key.slice(0, key.lastIndexOf('@'))
    return roles.some(role => (role.includes('@') ? addressKey(role) === key : role.toLowerCase() === local))
  })
}

function isBounceSender(address: string, { bounceSenders, labelSeparator }: GuardContext): boolean {
  const keys = mailboxKeys(address, labelSeparator)
  return bounceSenders.some(sender => keys.includes(addressKey(sender)))
}

function mailboxKeys(address: string, labelSeparator: string): AddressKey[] {
  const key = addressKey(address)
  return [key, withoutLabel(key, labelSeparator)]
}

function isOwnDomain(senderDomain: AsciiDomain, recipient: GuardedRecipient, context: GuardContext): boolean {
  return (
    someParent(senderDomain, parent => context.receivesFor(parent)) ||
    isSubdomainOrSame(senderDomain, domainOf(context.bounceSender) ?? '') ||
    isSubdomainOrSame(senderDomain, domainOf(recipient.address) ?? '')
  )
}

// The guards: mail that must not be bounced, since the bounce would go to a machine, to ourselves, or to somebody
// whose address was forged. When in doubt a guard holds: a bounce too few can be put right, backscatter can't.

import { addressKey, domainOf, isSubdomainOrSame } from '../mail/address'
import type { MailFacts, RecipientFacts } from '../mail/facts'
import type { GuardSettings } from '../settings/settings'
import { someParent } from './address-patterns'
import { parseHeaderValue } from './header-value'
import { NOT_AUTHENTICATED, unprovedSender } from './proved-sender'

export interface GuardContext {
  bounceSender: string
  /** Whether SES receives for a domain (A-labels, lower case). */
  receivesFor(domain: string): boolean
  /** The rule names this very recipient. */
  isNamed: boolean
}

/** RFC 2369, RFC 2919, RFC 8058. */
const LIST_FIELDS = [
  'list-id',
  'list-unsubscribe',
  'list-unsubscribe-post',
  'list-post',
  'list-help',
  'list-subscribe',
  'list-owner',
  'list-archive',
]
/** RFC 2076 section 3.9, RFC 5230 section 4.6. */
const LIST_PRECEDENCES = ['bulk', 'junk', 'list']
/** RFC 3834 section 5; `auto-generated` is left out: shops and services depend on bounces. */
const AUTOMATIC_REPLIES = ['auto-replied', 'auto-notified']
/** RFC 3464 and RFC 8098. */
const REPORT_TYPES = ['delivery-status', 'disposition-notification']

/** What each guard says in the reply and in the log; docs/why-not-bounced.md explains them. */
export const GUARD_DETAILS = {
  nullSender: 'null sender',
  notifyNever: 'NOTIFY=NEVER',
  noAddress: 'sender is not an address',
  headerIsCut: 'header is cut',
  ownDomain: 'sender is one of our own domains',
  automaticReply: 'automatic reply',
  report: 'delivery report',
  virus: 'virus',
  spam: 'spam',
  listMail: 'list mail',
  roleAddress: 'role address',
  notAuthenticated: NOT_AUTHENTICATED,
} as const

/** Why the mail must not be bounced for this recipient; undefined: it may be. */
export function guard(
  facts: MailFacts,
  recipient: RecipientFacts,
  settings: GuardSettings,
  context: GuardContext,
): string | undefined {
  // RFC 5321 section 6.1 and RFC 3461 section 4.1: these and the two below can't be turned off
  if (facts.sender === '' || facts.sender === '<>') return GUARD_DETAILS.nullSender
  if (recipient.envelope.notifyNever) return GUARD_DETAILS.notifyNever
  const senderDomain = domainOf(facts.sender)
  if (senderDomain === undefined) return GUARD_DETAILS.noAddress
  // what the other guards look for may stand in the part that nobody has
  if (facts.headerIsCut) return GUARD_DETAILS.headerIsCut
  if (settings.own_domains && isOwnDomain(senderDomain, recipient, context)) {
    return GUARD_DETAILS.ownDomain
  }
  if (settings.replied && isAutomaticReply(facts)) return GUARD_DETAILS.automaticReply
  if (settings.replied && isReport(facts)) return GUARD_DETAILS.report
  if (settings.virus && facts.receipt?.verdicts.virus === 'fail') return GUARD_DETAILS.virus
  if (settings.spam && facts.receipt?.verdicts.spam === 'fail') return GUARD_DETAILS.spam
  if (settings.list_mail && isListMail(facts)) return GUARD_DETAILS.listMail
  if (!context.isNamed && isRoleAddress(recipient.address, settings.role_addresses))
    return GUARD_DETAILS.roleAddress
  return unprovedSender(facts, senderDomain, settings.authentication)
}

/** `roles`: local parts or whole addresses. */
export function isRoleAddress(address: string, roles: readonly string[]): boolean {
  const key = addressKey(address)
  const local = key.slice(0, key.lastIndexOf('@'))
  return roles.some(role => (role.includes('@') ? addressKey(role) === key : role.toLowerCase() === local))
}

function isOwnDomain(senderDomain: string, recipient: RecipientFacts, context: GuardContext): boolean {
  return (
    someParent(senderDomain, parent => context.receivesFor(parent)) ||
    isSubdomainOrSame(senderDomain, domainOf(context.bounceSender) ?? '') ||
    isSubdomainOrSame(senderDomain, domainOf(recipient.address) ?? '')
  )
}

function isAutomaticReply(facts: MailFacts): boolean {
  return keywords(facts, 'auto-submitted').some(keyword => AUTOMATIC_REPLIES.includes(keyword))
}

function isReport(facts: MailFacts): boolean {
  return facts.headers.values('content-type').some(text => {
    const { value, parameters } = parseHeaderValue(text)
    return value === 'multipart/report' && REPORT_TYPES.includes(parameters.get('report-type') ?? '')
  })
}

function isListMail(facts: MailFacts): boolean {
  return (
    LIST_FIELDS.some(name => facts.headers.values(name).length > 0) ||
    keywords(facts, 'precedence').some(keyword => LIST_PRECEDENCES.includes(keyword))
  )
}

function keywords(facts: MailFacts, name: string): string[] {
  return facts.headers.values(name).map(text => parseHeaderValue(text).value)
}

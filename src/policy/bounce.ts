// Makes the request for the queue from a rule's outcome and the facts of the mail.
// Its texts are printable ASCII, whatever the mail holds; a bounce sender that isn't an address is refused.

import type { Rate } from '../config/settings'
import { asciiAddress, domainOf } from '../mail/address'
import type { MailFacts, Receipt, RecipientFacts } from '../mail/facts'
import { senderKey } from '../mail/sender-key'
import type { EpochMs } from '../units'
import { TYPE_TEXTS } from './bounce-types'
import type { BounceRequest, Cap } from './decision'
import type { BounceOutcome, Policy } from './rule'
import {
  asksFor,
  DIAGNOSTIC_CHARACTERS,
  EXPLANATION_CHARACTERS,
  fill,
  fillRaw,
  type Template,
  type TemplateName,
} from './templates'

/** RFC 5321 section 4.5.3.1.3: a path has at most 256 octets, its brackets included. */
const ADDRESS_CHARACTERS = 254

/** Undefined: the filled template isn't an address that could be a verified identity. */
export function bounceSender(
  template: Template,
  valueOf: (name: TemplateName) => string,
): string | undefined {
  const address = asciiAddress(fillRaw(template, valueOf))
  const isPlain = address !== undefined && !/["[\]]/.test(address)
  return isPlain && address.length <= ADDRESS_CHARACTERS ? address : undefined
}

/**
 * All possible bounce senders. A template that depends on the recipient's domain is filled with this one. Templates with
 * {recipient} are left out, as they would make every recipient a bounce sender.
 */
export function bounceSenders(
  policy: Pick<Policy, 'bounceSenders'>,
  valueOf: (name: TemplateName) => string,
): string[] {
  return policy.bounceSenders
    .filter(template => !asksFor(template, 'recipient'))
    .flatMap(template => bounceSender(template, valueOf) ?? [])
}

/** The fault of a bounce sender's template that no value can avoid. */
export function bounceSenderFault(template: Template): string | undefined {
  const samples: Partial<Record<TemplateName, string>> = {
    recipient: 'user@example.com',
    'recipient.domain': 'example.com',
    'sender.domain': 'example.com',
  }
  const sample = (name: TemplateName) => samples[name] ?? ''
  if (bounceSender(template, sample) !== undefined) return undefined
  return `"${fillRaw(template, sample)}" wouldn't be an address of plain ASCII`
}

/** `sender`: the bounce sender. */
export function makeBounce(
  policy: Policy,
  rule: { name: string; outcome: BounceOutcome },
  mail: {
    facts: Pick<MailFacts, 'sender'>
    receipt: Pick<Receipt, 'sesId' | 'receivedAtMs' | 'authentication'>
    lane: string
    recipient: Pick<RecipientFacts, 'address' | 'source'>
    deadlineMs: EpochMs
  },
  sender: string,
  valueOf: (name: TemplateName) => string,
): BounceRequest {
  const { type, status, text, diagnostic } = rule.outcome
  const explanation = text ? fill(text, valueOf, EXPLANATION_CHARACTERS) : ''
  const said = diagnostic && fill(diagnostic, valueOf, DIAGNOSTIC_CHARACTERS)
  const words = explanation || TYPE_TEXTS[type].text
  const key = senderKey(mail.facts.sender, mail.receipt.authentication)
  return {
    sesId: mail.receipt.sesId,
    region: mail.lane,
    receivedAtMs: mail.receipt.receivedAtMs,
    deadlineMs: mail.deadlineMs,
    sender: mail.facts.sender,
    senderKey: key,
    bounceSender: sender,
    ...(policy.bounceSenderArn !== undefined && { bounceSenderArn: policy.bounceSenderArn }),
    reportingMta: policy.reportingMta,
    ...(explanation !== '' && { explanation }),
    rule: rule.name,
    caps: capsOf(policy, rule, mail.facts.sender, key),
    recipient: {
      // SES API: SendBounce accepts only ASCII; a recipient of record always has such a form
      address: asciiAddress(mail.recipient.address) ?? mail.recipient.address,
      ...(mail.recipient.source === 'unconfirmed' && { isUnconfirmed: true }),
      bounceType: type,
      status,
      diagnostic:
        said ?? `smtp; ${codeFor(rule.outcome)} ${status} ${words}`.slice(0, DIAGNOSTIC_CHARACTERS).trim(),
    },
  }
}

function capsOf(
  policy: Policy,
  rule: { name: string; outcome: BounceOutcome },
  sender: string,
  key: string,
): Cap[] {
  const all: [by: Cap['by'], of: string, rate: Rate | undefined][] = [
    ['sender', key, policy.perSender],
    ['domain', domainOf(sender) ?? '', policy.perSenderDomain],
    ['rule', rule.name, rule.outcome.cap],
  ]
  return all.flatMap(([by, of, rate]) => (rate === undefined ? [] : [{ by, key: of, rate }]))
}

/** RFC 5321 section 4.2.1: the code's first digit equals the status's class. */
function codeFor({ type, status }: BounceOutcome): string {
  const { code } = TYPE_TEXTS[type]
  if (code[0] === status[0]) return code
  return status.startsWith('4') ? '450' : '550'
}

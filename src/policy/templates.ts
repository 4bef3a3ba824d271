// Texts with {names} that are replaced by values of a mail.
// The result is one line of printable ASCII of limited length, whatever the mail holds.

import { didYouMean, validAre } from '../config/diagnostics'
import { formatSize } from '../config/values'
import { domainOf } from '../mail/address'
import type { MailFacts, RecipientFacts } from '../mail/facts'
import { printable } from '../mail/printable'
import type { Refusal } from '../mail/refusal'

export const TEXT_NAMES = [
  'recipient',
  'sender',
  'subject',
  'rule',
  'size',
  'attachment',
  'message-id',
  'ses-id',
] as const
/** The names allowed in the texts of a rule about refusals, besides. */
export const REFUSAL_NAMES = ['reason', 'plugin', 'code', 'status'] as const
/** The names allowed in an address: of the sender's own text, only their domain. */
export const ADDRESS_NAMES = ['recipient', 'recipient.domain', 'sender.domain'] as const
export type TemplateName =
  | (typeof TEXT_NAMES)[number]
  | (typeof REFUSAL_NAMES)[number]
  | (typeof ADDRESS_NAMES)[number]

/** The meanings for the documentation. */
export const TEMPLATE_MEANINGS: Readonly<Record<TemplateName, string>> = {
  recipient: 'the recipient of record',
  'recipient.domain': 'the domain of the recipient of record',
  sender: 'the sender of record; <> is the null sender',
  'sender.domain': 'the domain of the sender of record',
  subject: 'the subject of the mail',
  rule: 'the name of the rule',
  size: 'the size of the mail, as 1.5 MB',
  attachment: 'the name of the attachment for which the rule holds',
  'message-id': 'the Message-ID of the mail',
  'ses-id': 'the id that SES gave the mail',
  reason: 'the words of the refusal, without code and status',
  plugin: 'the plugin that refused, as in refused.by',
  code: 'the code of the refusal: 550',
  status: 'the status of the refusal: 5.1.1',
}

export interface Template {
  parts: readonly (string | { name: TemplateName })[]
}

/** SES's Mail Manager accepts so many printable ASCII characters in its own bounces; SendBounce documents no limit. */
export const EXPLANATION_CHARACTERS = 500
export const DIAGNOSTIC_CHARACTERS = 256
/** RFC 5321 section 4.5.3.1.5: 512 octets a reply line, with code, status and what Haraka adds. */
export const REPLY_CHARACTERS = 400
/** No single value may take all the room. */
const VALUE_CHARACTERS = 128
/** The words of a refusal are as long as a diagnostic may be. */
const REASON_CHARACTERS = DIAGNOSTIC_CHARACTERS
/** Only a value's beginning is made printable, as that takes time in proportion to its length for each recipient. */
const READ_CHARACTERS = 8 * VALUE_CHARACTERS

/** `faults`: names that there aren't. */
export function parseTemplate(
  text: string,
  names: readonly TemplateName[] = TEXT_NAMES,
): { template: Template; faults: string[] } {
  const faults: string[] = []
  // the pattern's group makes every second piece a name
  const parts = text.split(/\{([^{}]*)\}/).map((piece, index) => {
    if (index % 2 === 0) return printable(piece)
    const name = names.find(known => known === piece)
    if (name === undefined) {
      if (REFUSAL_NAMES.some(known => known === piece)) {
        faults.push(`{${piece}} stands for nothing in a rule without a condition "refused."`)
        return ''
      }
      const known = names.map(one => `{${one}}`)
      const hint = didYouMean(`{${piece}}`, known) || validAre(known)
      faults.push(`there is no name "{${piece}}"${hint}`)
    }
    return name === undefined ? '' : { name }
  })
  return { template: { parts: parts.filter(part => part !== '') }, faults }
}

export function fill(template: Template, valueOf: (name: TemplateName) => string, limit: number): string {
  return template.parts
    .map(part => (typeof part === 'string' ? part : printableValue(part.name, valueOf(part.name))))
    .join('')
    .trim()
    .slice(0, limit)
    .trim()
}

function printableValue(name: TemplateName, value: string): string {
  const limit = name === 'reason' ? REASON_CHARACTERS : VALUE_CHARACTERS
  return printable(value.slice(0, READ_CHARACTERS)).slice(0, limit)
}

/** Fills in values unchanged, for an address. The caller checks the result. */
export function fillRaw(template: Template, valueOf: (name: TemplateName) => string): string {
  return template.parts.map(part => (typeof part === 'string' ? part : valueOf(part.name))).join('')
}

export function asksFor(template: Template | undefined, name: TemplateName): boolean {
  return template?.parts.some(part => typeof part !== 'string' && part.name === name) ?? false
}

/** The number of characters without the names' values. */
export function ownCharacters(template: Template): number {
  return template.parts.reduce((sum, part) => sum + (typeof part === 'string' ? part.length : 0), 0)
}

/** Whether the template has a `{` or `}` outside of a name, which is left as it is. */
export function hasStrayBrace({ parts }: Template): boolean {
  return parts.some(part => typeof part === 'string' && /[{}]/.test(part))
}

/** The values of names, if only the addresses of a mail are known. */
export function addressValuesOf(sender: string, recipient: string): (name: TemplateName) => string {
  const values: Partial<Record<TemplateName, string | undefined>> = {
    recipient,
    'recipient.domain': domainOf(recipient),
    sender: sender || '<>',
    'sender.domain': domainOf(sender),
  }
  return name => values[name] ?? ''
}

/** The values of the names for a mail and one of its recipients. */
export function valuesOf(
  facts: MailFacts,
  recipient: RecipientFacts,
  rule: string,
  attachment: string,
  refusal?: Refusal,
): (name: TemplateName) => string {
  const read: Record<TemplateName, () => string | undefined> = {
    recipient: () => recipient.address,
    'recipient.domain': () => domainOf(recipient.address),
    sender: () => facts.sender || '<>',
    'sender.domain': () => domainOf(facts.sender),
    subject: () => facts.headers.values('subject')[0],
    rule: () => rule,
    size: () => formatSize(facts.envelope.sizeBytes),
    attachment: () => attachment,
    'message-id': () => facts.headers.values('message-id')[0],
    'ses-id': () => facts.receipt?.sesId,
    reason: () => refusal?.reply,
    plugin: () => refusal?.by,
    code: () => refusal && String(refusal.code),
    status: () => refusal?.status,
  }
  return name => read[name]() ?? ''
}

// Recipients of record: for each RCPT TO of the relay, the address under which SES had the mail.
// Silence proves nothing: a recipient is never replaced by another because the header doesn't name it, or is incomplete.
// A recipient of record that can't be determined is a mismatch, and gets no bounce.

import type { RelayRecipients } from '../config/settings'
import { addressKey, asciiAddress, domainOf, organisationalDomain } from './address'
import type { Envelope, EnvelopeRecipient, HeaderFacts, Mismatch, Receipt, RecipientFacts } from './facts'

export interface RecipientQuestion {
  envelope: Envelope
  receipt: Receipt | undefined
  headers: HeaderFacts
  /** Only the beginning of the header is known. */
  headerIsCut: boolean
  /** Whether SES receives for a domain (A-labels, lower case). */
  receivesFor(domain: string): boolean
  /** Whether a domain of ours belongs to the same organisation as this one. */
  isOfOwnOrganisation(domain: string): boolean
  relayRecipients: RelayRecipients
}

/** RFC 5322 section 3.6.3 and 3.6.6; the others are what delivering hosts and forwarders write. */
export const RECIPIENT_FIELDS = [
  'to',
  'cc',
  'delivered-to',
  'x-original-to',
  'envelope-to',
  'x-envelope-to',
  'x-forwarded-to',
  'apparently-to',
  'resent-to',
  'resent-cc',
]

/** One for each RCPT TO, in order. */
export function recipientsOfRecord(question: RecipientQuestion): RecipientFacts[] {
  const { envelope, receipt } = question
  const isNamed = namesInHeader(question)
  return envelope.recipients.map(recipient => {
    if (receipt?.returnPath === undefined)
      return { envelope: recipient, address: recipient.address, source: 'envelope' }
    const found = establish(recipient, receipt.forRecipient, question, isNamed)
    if (found.source === 'mismatch' || asciiAddress(found.address) !== undefined) return found
    // SES API: SendBounce takes ASCII only
    return mismatch(recipient, /[^ -~]/.test(found.address) ? 'notAscii' : 'unknown')
  })
}

function establish(
  recipient: EnvelopeRecipient,
  forRecipient: string | undefined,
  question: RecipientQuestion,
  isNamed: IsNamed,
): RecipientFacts {
  const { address } = recipient
  const isOnly = (question.envelope.rcptCommands ?? question.envelope.recipients.length) === 1
  if (recipient.isUnattributed) return mismatch(recipient, 'unattributed')
  switch (question.relayRecipients) {
    case 'kept':
      return { envelope: recipient, address, source: 'relay' }
    case 'rewritten':
      if (!isOnly) return mismatch(recipient, 'several')
      return forRecipient === undefined ? mismatch(recipient, 'noFor') : rewritten(recipient, forRecipient)
    case 'auto': {
      const key = addressKey(address)
      if (forRecipient !== undefined && addressKey(forRecipient) === key)
        return { envelope: recipient, address: forRecipient, source: 'for' }
      if (question.receivesFor(domainOf(address) ?? '')) {
        if (isNamed(key) === 'yes') return { envelope: recipient, address, source: 'header' }
        const isBesideFor =
          isOnly && forRecipient !== undefined && isNamed(addressKey(forRecipient)) === 'yes'
        return { envelope: recipient, address, source: 'unconfirmed', isBesideFor }
      }
      return isOnly &&
        forRecipient !== undefined &&
        standsForAnother(address, forRecipient, question, isNamed)
        ? rewritten(recipient, forRecipient)
        : mismatch(recipient, 'unknown')
    }
  }
}

/** Whether the relay must have replaced SES's recipient by this address elsewhere. */
function standsForAnother(
  address: string,
  forRecipient: string,
  question: RecipientQuestion,
  isNamed: IsNamed,
): boolean {
  const [domain, forDomain] = [domainOf(address), domainOf(forRecipient)]
  return (
    domain !== undefined &&
    forDomain !== undefined &&
    question.receivesFor(forDomain) &&
    !question.isOfOwnOrganisation(domain) &&
    organisationalDomain(domain) !== organisationalDomain(forDomain) &&
    isNamed(addressKey(address)) === 'no'
  )
}

function rewritten(recipient: EnvelopeRecipient, forRecipient: string): RecipientFacts {
  return { envelope: recipient, address: forRecipient, source: 'rewritten' }
}

function mismatch(recipient: EnvelopeRecipient, reason: Mismatch): RecipientFacts {
  return { envelope: recipient, address: recipient.address, source: 'mismatch', mismatch: reason }
}

/** By an address's key. `unknown`: a part of the header isn't known, and the rest doesn't name it. */
type IsNamed = (key: string) => 'yes' | 'no' | 'unknown'

/** The recipient fields are read when first asked for. */
function namesInHeader({ headers, headerIsCut }: RecipientQuestion): IsNamed {
  let keys: Set<string> | undefined
  return key => {
    keys ??= new Set(RECIPIENT_FIELDS.flatMap(name => headers.addresses(name)).map(addressKey))
    if (keys.has(key)) return 'yes'
    return headerIsCut || RECIPIENT_FIELDS.some(name => headers.addressesAreCut(name)) ? 'unknown' : 'no'
  }
}

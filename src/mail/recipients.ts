// Finds the recipients of record: for each RCPT TO of the relay, the recipient for which SES had the mail.
// A header that is incomplete or doesn't name a recipient proves nothing, and never leads to another recipient.
// If it can't be determined, the recipient is a mismatch and gets no bounce.

import type { RelayRecipients } from '../config/settings'
import type { AsciiDomain } from '../units'
import { addressKey, asciiAddress, domainOf, organisationalDomain } from './address'
import type { Envelope, EnvelopeRecipient, HeaderFacts, Mismatch, Receipt, RecipientFacts } from './facts'

export interface RecipientQuestion {
  envelope: Envelope
  receipt: Receipt | undefined
  headers: HeaderFacts
  /** `headers` holds only the header's beginning. */
  headerIsCut: boolean
  /** Whether SES receives for a domain (A-labels, lower case). */
  receivesFor(domain: AsciiDomain): boolean
  /** Whether one of our domains belongs to the same organisation as this one. */
  isOfOwnOrganisation(domain: AsciiDomain): boolean
  relayRecipients: RelayRecipients
}

/** RFC 5322 sections 3.6.3 and 3.6.6; delivering hosts and forwarders write the others. */
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

/** Returns one entry for each RCPT TO, in order. */
export function recipientsOfRecord(question: RecipientQuestion): RecipientFacts[] {
  const { envelope, receipt } = question
  const isNamed = namesInHeader(question)
  return envelope.recipients.map(recipient => {
    if (receipt?.returnPath === undefined)
      return { envelope: recipient, address: recipient.address, source: 'envelope' }
    const found = establish(recipient, receipt.forRecipient, question, isNamed)
    if (found.source === 'mismatch' || asciiAddress(found.address) !== undefined) return found
    // SES API: SendBounce accepts only ASCII
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
  if (recipient.isMixedUp) return mismatch(recipient, 'mixedUp')
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
        replacesRecipient(address, forRecipient, question, isNamed)
        ? rewritten(recipient, forRecipient)
        : mismatch(recipient, 'unknown')
    }
  }
}

/** Whether the relay must have replaced SES's recipient by this address at a foreign domain. */
function replacesRecipient(
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

/** Whether the header names the address with that key. `unknown`: not in the part of the header that is known. */
type IsNamed = (key: string) => 'yes' | 'no' | 'unknown'

/** Reads the recipient fields at the first call of the returned function. */
function namesInHeader({ headers, headerIsCut }: RecipientQuestion): IsNamed {
  let keys: Set<string> | undefined
  return key => {
    keys ??= new Set(RECIPIENT_FIELDS.flatMap(name => headers.addresses(name)).map(addressKey))
    if (keys.has(key)) return 'yes'
    return headerIsCut || RECIPIENT_FIELDS.some(name => headers.addressesAreCut(name)) ? 'unknown' : 'no'
  }
}

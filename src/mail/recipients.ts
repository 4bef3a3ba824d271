// Recipients of record: for each RCPT TO of the relay, the address under which SES had the mail.
// Never guesses: what neither SES's `for` nor the header bears out is a mismatch, for which there is no bounce.

import { addressKey, asciiAddress, domainOf } from './address'
import type { Envelope, EnvelopeRecipient, HeaderFacts, Receipt, RecipientFacts } from './facts'

export interface RecipientQuestion {
  envelope: Envelope
  receipt: Receipt | undefined
  headers: HeaderFacts
  /** Whether SES receives for a domain (A-labels, lower case). */
  receivesFor(domain: string): boolean
  /** The relay's RCPT TO are the recipients that SES had. */
  keepsRecipients: boolean
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

/**
 * One for each RCPT TO, in order.
 *
 * The header is the sender's word: he can name a recipient there that SES didn't have, and a relay that makes its RCPT TO
 * of the header then brings it here. So it must at least be at a domain that SES receives for, and SES itself refuses a
 * bounce for a recipient that the mail didn't have. All else comes from SES's `for` or from the operator's word.
 */
export function recipientsOfRecord(question: RecipientQuestion): RecipientFacts[] {
  const { envelope, receipt } = question
  const named = namedInHeader(question.headers)
  return envelope.recipients.map(recipient => {
    if (receipt?.returnPath === undefined) {
      return { envelope: recipient, address: recipient.address, source: 'envelope' }
    }
    const found = establish(recipient, receipt.forRecipient, question, named)
    return asciiAddress(found.address) === undefined ? mismatch(recipient) : found
  })
}

function establish(
  recipient: EnvelopeRecipient,
  forRecipient: string | undefined,
  question: RecipientQuestion,
  named: () => ReadonlySet<string>,
): RecipientFacts {
  const { address } = recipient
  if (question.keepsRecipients) return { envelope: recipient, address, source: 'relay' }
  const key = addressKey(address)
  if (forRecipient !== undefined && addressKey(forRecipient) === key) {
    return { envelope: recipient, address: forRecipient, source: 'for' }
  }
  const domain = domainOf(address)
  if (domain !== undefined && question.receivesFor(domain) && named().has(key)) {
    return { envelope: recipient, address, source: 'header' }
  }
  if (forRecipient !== undefined && question.envelope.recipients.length === 1) {
    return { envelope: recipient, address: forRecipient, source: 'rewritten' }
  }
  return mismatch(recipient)
}

function mismatch(recipient: EnvelopeRecipient): RecipientFacts {
  return { envelope: recipient, address: recipient.address, source: 'mismatch' }
}

/** Keys of all addresses in the recipient fields, read when first asked for. */
function namedInHeader(headers: HeaderFacts): () => ReadonlySet<string> {
  let keys: Set<string> | undefined
  return () => {
    keys ??= new Set(RECIPIENT_FIELDS.flatMap(name => headers.addresses(name)).map(addressKey))
    return keys
  }
}

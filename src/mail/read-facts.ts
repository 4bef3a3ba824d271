// All that is known of a mail before its body: envelope, SES's receipt, the header.
// What the mail holds can't make it fail; it rejects only when the parsers can't be loaded.

import type { Envelope, MailFacts } from './facts'
import { readHeader } from './header'
import { readReceipt } from './receipt'
import { type RecipientQuestion, recipientsOfRecord } from './recipients'

export interface FactsQuestion extends Pick<RecipientQuestion, 'receivesFor' | 'keepsRecipients'> {
  envelope: Envelope
  /** Physical lines, as in Haraka's `transaction.header_lines`. */
  headerLines: readonly string[]
  /** How many fields at the top are Haraka's own: 1, or 0 when it adds no Received. */
  ownFields: number
  /** Milliseconds since the epoch. */
  nowMs: number
}

export async function readFacts(question: FactsQuestion): Promise<MailFacts> {
  const { envelope, headerLines, ownFields, nowMs } = question
  const { fields, facts: headers } = await readHeader(headerLines, ownFields)
  const { receipt, fault, warnings } = readReceipt(fields)
  if (receipt && receipt.receivedAtMs > nowMs) {
    warnings.push(`SES's receipt lies in the future: ${new Date(receipt.receivedAtMs).toISOString()}`)
  }
  return {
    envelope,
    ...(receipt && { receipt }),
    ...(fault !== undefined && { receiptFault: fault }),
    sender: receipt?.returnPath ?? envelope.sender,
    recipients: recipientsOfRecord({ ...question, receipt, headers }),
    headers,
    warnings,
  }
}

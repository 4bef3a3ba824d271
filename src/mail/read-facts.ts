// Reads the facts of a mail from its envelope and header. The content is read later, by a function among the facts.
// No mail can make it fail: it rejects only if the parsers can't be loaded.

import type { EpochMs } from '../units'
import { readAuthor } from './author'
import type { Content } from './content'
import type { Envelope, MailFacts } from './facts'
import { fieldReadings } from './field-readings'
import { peersLines, readHeader } from './header'
import { readReceipt } from './receipt'
import { type RecipientQuestion, recipientsOfRecord } from './recipients'

export interface FactsQuestion
  extends Pick<RecipientQuestion, 'receivesFor' | 'isOfOwnOrganisation' | 'relayRecipients'> {
  envelope: Envelope
  /** Physical lines, as in Haraka's `transaction.header_lines`. */
  headerLines: readonly string[]
  /** `headerLines` are only the header's beginning. */
  headerIsCut: boolean
  /** Number of fields at the top that Haraka wrote: 1, or 0 if it adds no Received. */
  ownFields: number
  /** Haraka's [max] data_line_length. Undefined: its default. */
  lineLength?: number | undefined
  /** The present time, in milliseconds since the epoch. */
  nowMs: EpochMs
  /** Called at most once. */
  content(): Promise<Content>
  results: MailFacts['results']
}

export async function readFacts(question: FactsQuestion): Promise<MailFacts> {
  const { envelope, headerLines, headerIsCut, ownFields, nowMs, results } = question
  const { lineLength } = question
  const { fields, facts: headers } = await readHeader(headerLines, ownFields, lineLength, headerIsCut)
  const author = readAuthor({ fields, lines: peersLines(headerLines, ownFields), headerIsCut })
  const { receipt, fault, verdicts, warnings } = readReceipt(fields)
  if (receipt && receipt.receivedAtMs > nowMs) {
    warnings.push(`SES's receipt lies in the future: ${new Date(receipt.receivedAtMs).toISOString()}`)
  }
  return {
    envelope,
    ...(receipt && { receipt }),
    ...(fault !== undefined && { receiptFault: fault }),
    ...(verdicts !== undefined && { verdictsWithoutReceipt: verdicts }),
    sender: receipt?.returnPath ?? envelope.sender,
    recipients: recipientsOfRecord({ ...question, receipt, headers }),
    headers,
    ...(author !== undefined && { author }),
    headerIsCut,
    readings: fieldReadings(headerLines, ownFields),
    content: once(async () => {
      const content = await question.content()
      if (content.isCut)
        warnings.push('a text is longer than [content] limit: the patterns saw its beginning')
      return content
    }),
    results,
    warnings,
  }
}

function once<T>(read: () => Promise<T>): () => Promise<T> {
  let reading: Promise<T> | undefined
  return () => {
    reading ??= read()
    return reading
  }
}

// Reads the facts of a mail from its envelope and header. The content is read later, by a function among the facts.
// Rules are asked over scanned facts, whose values are read when they are asked for; a bounce needs those that mailparser
// reads too. No mail can make either fail.

import type { EpochMs } from '../units'
import { readAuthor } from './author'
import type { Content } from './content'
import type { ConfirmedFacts, Envelope, EnvelopeRecipient, MailFacts } from './facts'
import { differenceOf } from './facts-difference'
import { fieldReadings } from './field-readings'
import { type Header, peersLines, readHeader } from './header'
import { readReceipt } from './receipt'
import { type RecipientQuestion, recipientsOfRecord } from './recipients'
import { scanHeader } from './scan-header'

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
  /** The recipients that the facts are about; undefined: all of them. */
  isAsked?: ((recipient: EnvelopeRecipient) => boolean) | undefined
}

/** By mailparser. Rejects only if it can't be loaded. */
export async function readFacts(question: FactsQuestion): Promise<MailFacts> {
  return factsFrom(await parsedHeader(question), question)
}

/** Without mailparser. `confirm` compares them with its reading. */
export function scanFacts(question: FactsQuestion): MailFacts {
  const { headerLines, ownFields, lineLength, headerIsCut } = question
  const header = scanHeader(headerLines, ownFields, lineLength, headerIsCut)
  // the same content is read once, and warned of once
  const facts = factsFrom(header, question)
  return Object.defineProperty(facts, 'confirm', {
    enumerable: true,
    value: (guardFields: readonly string[]) => confirm(facts, header, question, guardFields),
  })
}

async function confirm(
  scanned: MailFacts,
  header: Header,
  question: FactsQuestion,
  guardFields: readonly string[],
): Promise<ConfirmedFacts> {
  const parsedBy = await parsedHeader(question)
  const parsed = factsFrom(parsedBy, question, scanned)
  const difference = differenceOf(
    { header, facts: scanned },
    { header: parsedBy, facts: parsed },
    guardFields,
  )
  return difference === undefined ? { facts: parsed } : { difference }
}

function parsedHeader({ headerLines, ownFields, lineLength, headerIsCut }: FactsQuestion): Promise<Header> {
  return readHeader(headerLines, ownFields, lineLength, headerIsCut)
}

/** `like`: facts of the same mail, whose content and warnings are these facts' too. */
function factsFrom(header: Header, question: FactsQuestion, like?: MailFacts): MailFacts {
  const { envelope, headerLines, headerIsCut, ownFields, nowMs, results, isAsked } = question
  const read = once(() => readReceipt(header.fields))
  const noted: string[] = []
  const warnings = once(() => {
    const { receipt, warnings: found } = read()
    noted.unshift(...found)
    if (receipt && receipt.receivedAtMs > nowMs)
      noted.push(`SES's receipt lies in the future: ${new Date(receipt.receivedAtMs).toISOString()}`)
    return noted
  })
  const author = once(() =>
    readAuthor({ fields: header.fields, lines: peersLines(headerLines, ownFields), headerIsCut }),
  )
  const recipients = once(() => {
    const all = recipientsOfRecord({ ...question, receipt: read().receipt, headers: header.facts })
    return isAsked === undefined ? all : all.filter(recipient => isAsked(recipient.envelope))
  })
  return {
    envelope,
    get receipt() {
      return read().receipt
    },
    get receiptFault() {
      return read().fault
    },
    get verdictsWithoutReceipt() {
      return read().verdicts
    },
    get sender() {
      return read().receipt?.returnPath ?? envelope.sender
    },
    get recipients() {
      return recipients()
    },
    headers: header.facts,
    get author() {
      return author()
    },
    headerIsCut,
    readings: like?.readings ?? fieldReadings(headerLines, ownFields),
    content:
      like?.content ??
      once(async () => {
        const content = await question.content()
        if (content.isCut) noted.push('a text is longer than [content] limit: the patterns saw its beginning')
        return content
      }),
    results,
    get warnings() {
      return like?.warnings ?? warnings()
    },
  }
}

function once<T>(read: () => T): () => T {
  let known: { value: T } | undefined
  return () => {
    known ??= { value: read() }
    return known.value
  }
}

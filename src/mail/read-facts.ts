// Reads the facts of a mail from its envelope and header. The content is read later, by a function among the facts.
// Rules are asked over scanned facts, whose values are read when they are asked for; a bounce needs those that mailparser
// reads too. No mail can make either fail.

import type { EpochMs } from '../units'
import { readAuthor } from './author'
import type { Content } from './content'
import type {
  ConfirmedFacts,
  Envelope,
  EnvelopeRecipient,
  HeaderFacts,
  MailFacts,
  Receipt,
  RecipientFacts,
  SesVerdicts,
} from './facts'
import { differenceOf } from './facts-difference'
import { fieldReadings } from './field-readings'
import { type Header, peersLines, readHeader } from './header'
import { type ReceiptResult, readReceipt } from './receipt'
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
  return new Facts(await parsedHeader(question), question)
}

/** Without mailparser. `confirm` compares them with its reading. */
export function scanFacts(question: FactsQuestion): MailFacts {
  const { headerLines, ownFields, lineLength, headerIsCut } = question
  return new ScannedFacts(scanHeader(headerLines, ownFields, lineLength, headerIsCut), question)
}

function parsedHeader({ headerLines, ownFields, lineLength, headerIsCut }: FactsQuestion): Promise<Header> {
  return readHeader(headerLines, ownFields, lineLength, headerIsCut)
}

/** Each value is read when it is asked for. */
class Facts implements MailFacts {
  readonly headers: HeaderFacts
  protected readonly header: Header
  protected readonly question: FactsQuestion
  readonly #content: SharedContent
  #receipt: ReceiptResult | undefined
  #recipients: RecipientFacts[] | undefined
  #author: { address: string | undefined } | undefined
  #readings: MailFacts['readings'] | undefined

  /** `content`: that of other facts of the same mail, so that it is read once, and warned of once. */
  constructor(header: Header, question: FactsQuestion, content = new SharedContent(question)) {
    this.header = header
    this.headers = header.facts
    this.question = question
    this.#content = content
  }

  get envelope(): Envelope {
    return this.question.envelope
  }

  get headerIsCut(): boolean {
    return this.question.headerIsCut
  }

  get receipt(): Receipt | undefined {
    return this.#read().receipt
  }

  get receiptFault(): string | undefined {
    return this.#read().fault
  }

  get verdictsWithoutReceipt(): SesVerdicts | undefined {
    return this.#read().verdicts
  }

  get sender(): string {
    return this.receipt?.returnPath ?? this.envelope.sender
  }

  get recipients(): RecipientFacts[] {
    const { isAsked } = this.question
    this.#recipients ??= recipientsOfRecord({
      ...this.question,
      receipt: this.receipt,
      headers: this.headers,
    }).filter(({ envelope }) => isAsked?.(envelope) ?? true)
    return this.#recipients
  }

  get author(): string | undefined {
    const { headerLines, ownFields, headerIsCut } = this.question
    this.#author ??= {
      address: readAuthor({
        fields: this.header.fields,
        lines: peersLines(headerLines, ownFields),
        headerIsCut,
      }),
    }
    return this.#author.address
  }

  get readings(): MailFacts['readings'] {
    const { headerLines, ownFields } = this.question
    this.#readings ??= fieldReadings(headerLines, ownFields)
    return this.#readings
  }

  get results(): MailFacts['results'] {
    return this.question.results
  }

  get content(): MailFacts['content'] {
    return this.#content.read
  }

  get warnings(): string[] {
    this.#read()
    return this.#content.warnings
  }

  #read(): ReceiptResult {
    if (this.#receipt !== undefined) return this.#receipt
    const result = readReceipt(this.header.fields)
    this.#receipt = result
    const { receipt, warnings } = result
    this.#content.warn(...warnings)
    if (receipt && receipt.receivedAtMs > this.question.nowMs)
      this.#content.warn(`SES's receipt lies in the future: ${new Date(receipt.receivedAtMs).toISOString()}`)
    return result
  }

  protected get shared(): SharedContent {
    return this.#content
  }
}

class ScannedFacts extends Facts {
  readonly confirm = async (guardFields: readonly string[]): Promise<ConfirmedFacts> => {
    const header = await parsedHeader(this.question)
    const facts = new Facts(header, this.question, this.shared)
    const difference = differenceOf({ header: this.header, facts: this }, { header, facts }, guardFields)
    return difference === undefined ? { facts } : { difference }
  }
}

class SharedContent {
  readonly warnings: string[] = []
  readonly #question: FactsQuestion
  #reading: Promise<Content> | undefined

  constructor(question: FactsQuestion) {
    this.#question = question
  }

  readonly read = (): Promise<Content> => {
    this.#reading ??= this.#read()
    return this.#reading
  }

  async #read(): Promise<Content> {
    const content = await this.#question.content()
    if (content.isCut) this.warn('a text is longer than [content] limit: the patterns saw its beginning')
    return content
  }

  /** Each once. */
  warn(...texts: readonly string[]): void {
    for (const text of texts) if (!this.warnings.includes(text)) this.warnings.push(text)
  }
}

// The table of conditions: for each key the kind of its patterns, when its value is known, and how it is read.
// Its texts for people are in field-texts.ts. Reading never throws; a missing value is an empty list, which matches
// nothing.

import type { Attachment, Content } from '../mail/content'
import type { Envelope, MailFacts, Receipt, RecipientFacts } from '../mail/facts'
import { REFUSAL_STAGES, type Refusal } from '../mail/refusal'
import type { TraceCandidates } from '../mail/scan-trace-headers'
import { verdictsOf } from '../mail/verdicts'
import type { EpochMs } from '../units'
import type { Kind } from './patterns'

/**
 * The source of a field, and so the time when it is known: the SMTP transaction, a refusal by another plugin, SES's receipt,
 * the header, the decoded content, or results of other plugins.
 */
export type Phase = 'envelope' | 'refusal' | 'receipt' | 'header' | 'content' | 'results'

/** The mail, and one of its recipients, for which a condition is checked. */
export interface Question {
  facts: MailFacts
  recipient: RecipientFacts
  nowMs: EpochMs
  /** Present for fields of the phase content. */
  content?: Content
}

/** The facts of a mail before its recipients of record are known. */
export interface CheapFacts {
  envelope: Envelope
  /** Values are read when they are asked for. Undefined: only the envelope is known. */
  facts?: MailFacts
  nowMs: EpochMs
  /** Undefined: SES's sender and recipient may be any. */
  trace: () => TraceCandidates | undefined
}

export interface Field {
  /** The key; for a family, the beginning of its keys: `header.` */
  name: string
  /** For a family: the form of its keys, and a check of the part behind its name. */
  family?: string
  isMember?(member: string): boolean
  kind: Kind
  phase: Phase
  /** The value depends on the recipient, not on the mail alone. */
  perRecipient: boolean
  /** Patterns without a label also match addresses with a label: `anna@` matches `anna+shop@`. */
  matchesLabels?: boolean
  /** A text for people: also compared as its reader takes it (mail/look-alikes.ts). `subjectsOf` makes both. */
  hasReadings?: boolean
  /** Instead of `hasReadings`: these forms were made when the content was read. */
  otherReadings?(question: Question): readonly string[]
  /** All possible values, where they are few. */
  words?: readonly string[]
  /** `member`: the part after a family's name. Of several values, one that matches is enough. */
  read(question: Question, member: string): readonly (string | number)[]
  /** Instead of `read`, for a field of the phase refusal. */
  ofRefusal?: (refusal: Refusal) => string
  /** Some values may not have been read, or not decoded. */
  isCut?(question: Question, member: string): boolean
  /** For a field with exactly one value: all values that it may turn out to have. Undefined: any. */
  candidates?(cheap: CheapFacts): readonly (string | number)[] | undefined
}

/** A key of a rule, with its entry in the table. */
export interface FieldKey {
  field: Field
  member: string
}

/** SES developer guide: email receiving concepts, X-SES-Spam-Verdict and X-SES-Virus-Verdict. */
const SCAN_WORDS = ['pass', 'fail', 'gray', 'processing_failed', 'none']
/** RFC 8601 section 2.7. */
const AUTHENTICATION_WORDS = [
  'pass',
  'fail',
  'none',
  'neutral',
  'policy',
  'softfail',
  'temperror',
  'permerror',
]

/** RFC 5322 section 2.2. */
const FIELD_NAME = /^[!-9;-~]+$/

type Read = Field['read']

export const FIELDS: readonly Field[] = [
  field('recipient', 'address', 'receipt', q => [q.recipient.address], {
    perRecipient: true,
    matchesLabels: true,
    candidates: ({ envelope, trace }) => {
      const found = trace()
      return found && [...envelopeRecipients(envelope), ...found.forCandidates]
    },
  }),
  field('sender', 'address', 'receipt', q => [q.facts.sender], {
    candidates: ({ envelope, trace }) => {
      const found = trace()
      return found && [envelope.sender, ...found.returnPathCandidates]
    },
  }),
  field('envelope.recipient', 'address', 'envelope', q => [q.recipient.envelope.address], {
    perRecipient: true,
    matchesLabels: true,
    candidates: ({ envelope }) => envelopeRecipients(envelope),
  }),
  fromEnvelope('envelope.sender', 'address', envelope => envelope.sender),
  ...['from', 'to', 'cc', 'reply-to'].map(name =>
    field(name, 'address', 'header', q => q.facts.headers.addresses(name), {
      isCut: q => q.facts.headers.addressesAreCut(name),
    }),
  ),
  field('subject', 'text', 'header', q => q.facts.headers.values('subject'), {
    hasReadings: true,
    isCut: q => q.facts.headers.valuesAreCut('subject'),
  }),
  field('header.', 'text', 'header', readHeader, {
    hasReadings: true,
    family: 'header.NAME',
    isMember: name => FIELD_NAME.test(name),
    isCut: (q, name) => q.facts.headers.valuesAreCut(name),
  }),
  fromReceipt('client.ip', 'ip', receipt => receipt.client.ip),
  fromReceipt('client.helo', 'text', receipt => receipt.client.helo),
  fromReceipt('client.name', 'text', receipt => receipt.client.name),
  fromEnvelope('relay.ip', 'ip', envelope => envelope.relayIp),
  fromReceipt('region', 'text', receipt => receipt.region),
  verdict('spam', SCAN_WORDS),
  verdict('virus', SCAN_WORDS),
  verdict('spf', AUTHENTICATION_WORDS),
  verdict('dkim', AUTHENTICATION_WORDS),
  verdict('dmarc', AUTHENTICATION_WORDS),
  fromEnvelope('size', 'size', envelope => envelope.sizeBytes),
  field(
    'age',
    'duration',
    'receipt',
    // a receipt in the future counts as now
    q => (q.facts.receipt ? [Math.max(0, q.nowMs - q.facts.receipt.receivedAtMs)] : []),
    // any, as the queue's time may not be known yet
    { isCut: mayHaveReceipt, candidates: () => undefined },
  ),
  fromEnvelope('recipients', 'number', envelope => envelope.recipients.length),
  field('result.', 'result', 'results', (q, path) => q.facts.results(path), {
    family: 'result.PLUGIN.PATH',
    isMember: path => /^[^.]+(?:\.[^.]+)+$/.test(path),
  }),
  refused('by', 'word', ({ by }) => by),
  refused('stage', 'word', ({ stage }) => stage, REFUSAL_STAGES),
  refused('code', 'text', ({ code }) => String(code)),
  refused('status', 'text', ({ status }) => status),
  refused('reply', 'text', ({ reply }) => reply),
  field('body', 'text', 'content', q => q.content?.texts ?? [], {
    otherReadings: q => q.content?.readings ?? [],
  }),
  fromAttachments('attachment.name', 'text', ({ names }) => names, { hasReadings: true }),
  fromAttachments('attachment.archive', 'text', ({ files }) => files ?? [], {
    hasReadings: true,
    isCut: q => q.content?.attachments.some(({ filesAreCut }) => filesAreCut) ?? false,
  }),
  fromAttachments('attachment.type', 'text', ({ types }) => types),
  fromAttachments('attachment.size', 'size', ({ sizeBytes }) => [sizeBytes]),
  field('attachment.count', 'number', 'content', ({ content }) =>
    content ? [content.attachments.length] : [],
  ),
]

const BY_NAME = new Map(FIELDS.filter(({ family }) => family === undefined).map(one => [one.name, one]))
const FAMILIES = FIELDS.filter(({ family }) => family !== undefined)

/** The form of each key, for "did you mean". */
export const FIELD_KEYS: readonly string[] = FIELDS.map(({ name, family }) => family ?? name)

export function findField(key: string): FieldKey | undefined {
  const field = BY_NAME.get(key)
  if (field) return { field, member: '' }
  const family = FAMILIES.find(({ name }) => key.startsWith(name))
  const member = key.slice(family?.name.length)
  return family?.isMember?.(member) ? { field: family, member } : undefined
}

/** The form of the keys that begin like this one; undefined: there are none. */
export function familyOf(key: string): string | undefined {
  return FAMILIES.find(({ name }) => `${key.toLowerCase()}.`.startsWith(name))?.family
}

function field(name: string, kind: Kind, phase: Phase, read: Read, more: Partial<Field> = {}): Field {
  return { name, kind, phase, read, perRecipient: false, ...more }
}

function fromEnvelope(name: string, kind: Kind, pick: (envelope: Envelope) => string | number): Field {
  return field(name, kind, 'envelope', q => [pick(q.facts.envelope)], {
    candidates: ({ envelope }) => [pick(envelope)],
  })
}

function envelopeRecipients(envelope: Envelope): string[] {
  return envelope.recipients.map(({ address }) => address)
}

/** Read for each refusal by itself: a rule holds when it holds for one of them. */
function refused(
  name: string,
  kind: Kind,
  ofRefusal: (refusal: Refusal) => string,
  words?: readonly string[],
): Field {
  const more = { perRecipient: true, ofRefusal, ...(words && { words }) }
  return field(`refused.${name}`, kind, 'refusal', () => [], more)
}

function fromAttachments(
  name: string,
  kind: Kind,
  pick: (attachment: Attachment) => readonly (string | number)[],
  more: Partial<Field> = {},
): Field {
  return field(name, kind, 'content', ({ content }) => content?.attachments.flatMap(pick) ?? [], more)
}

function verdict(name: 'spam' | 'virus' | 'spf' | 'dkim' | 'dmarc', words: readonly string[]): Field {
  const isCut = (q: Question) => {
    const { receipt, headerIsCut } = q.facts
    const isUnclosed = receipt === undefined || receipt.authentication.flaw !== undefined
    return headerIsCut && isUnclosed && verdictsOf(q.facts)[name] === 'none'
  }
  const read: Read = q => (isCut(q) ? [] : [verdictsOf(q.facts)[name]])
  return field(`verdict.${name}`, 'word', 'receipt', read, { words, isCut })
}

function fromReceipt(name: string, kind: Kind, pick: (receipt: Receipt) => string): Field {
  const read: Read = ({ facts }) => (facts.receipt ? [pick(facts.receipt)] : [])
  return field(name, kind, 'receipt', read, { isCut: mayHaveReceipt })
}

/** The part of the header that was cut may hold SES's block. */
function mayHaveReceipt({ facts }: Question): boolean {
  return facts.headerIsCut && facts.receipt === undefined
}

function readHeader({ facts }: Question, name: string): readonly string[] {
  return facts.headers.values(name.toLowerCase())
}

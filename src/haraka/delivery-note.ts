// The note of a mail's transaction for the time when its delivery fails: Haraka keeps it in the queued mail's notes.
// By then SES's results can't be read from the queued mail any more, as Haraka moves them. The note
// allows a bounce: only mail that a trusted relay has brought gets one, and only the plugin writes it.

import type { IncomingMail } from '../app/evaluate-mail'
import type { Targets } from './rcpt-commands'
import type { HarakaAddress, HarakaTransaction } from './types'

/** The key in `transaction.notes`. */
const KEY = 'ses-bounce'
/** Haraka reads the whole of it for each try, and writes it for each split. A header of SES has a few kilobytes. */
export const LARGEST_NOTE_BYTES = 128 * 1024

/** JSON writes one character as six, `\u0000`. */
const MOST_ESCAPED = 6
/** RFC 5321 section 4.5.3.1.3: at most 254 octets; and the names of the members. */
const ADDRESS_CHARACTERS = 300

export interface DeliveryNote {
  v: 1
  /** MAIL FROM of the relay. */
  sender: string
  relayIp: string
  sizeBytes: number
  /** The number of RCPT TO commands of the relay. */
  rcptCommands?: number
  headerLines: readonly string[]
  headerIsCut: boolean
  ownFields: number
  lineLength?: number
  recipients: readonly NotedRecipient[]
}

export interface NotedRecipient {
  /** The address as the relay gave it in RCPT TO. */
  address: string
  notifyNever: boolean
  isUnattributed?: boolean
  /** The addresses for which the mail is delivered: other plugins may have replaced the recipient. */
  final: readonly string[]
}

/** Undefined: the header is too long. */
export function deliveryNoteOf(
  { envelope, headerLines, headerIsCut, ownFields, lineLength }: IncomingMail,
  recipients: readonly Targets<HarakaAddress>[],
): DeliveryNote | undefined {
  const characters = headerLines.reduce((sum, line) => sum + line.length, 0)
  if (characters > LARGEST_NOTE_BYTES) return undefined
  const note: DeliveryNote = {
    v: 1,
    sender: envelope.sender,
    relayIp: envelope.relayIp,
    sizeBytes: envelope.sizeBytes,
    ...(envelope.rcptCommands !== undefined && { rcptCommands: envelope.rcptCommands }),
    // Haraka changes its own list when a plugin changes the header
    headerLines: [...headerLines],
    headerIsCut,
    ownFields,
    ...(lineLength !== undefined && { lineLength }),
    recipients: envelope.recipients.map(({ address, notifyNever, isUnattributed = false }, index) => ({
      address,
      notifyNever,
      ...(isUnattributed && { isUnattributed }),
      final: recipients[index]?.targets.map(target => target.address) ?? [],
    })),
  }
  const addresses = recipients.reduce((sum, { targets }) => sum + targets.length + 1, 1)
  // most mail is so small that its exact size doesn't matter
  if (characters + addresses * ADDRESS_CHARACTERS < LARGEST_NOTE_BYTES / MOST_ESCAPED) return note
  return Buffer.byteLength(JSON.stringify(note)) <= LARGEST_NOTE_BYTES ? note : undefined
}

export function writeDeliveryNote({ notes }: Pick<HarakaTransaction, 'notes'>, note: DeliveryNote): void {
  notes[KEY] = note
}

/** Undefined: there is none, or it isn't of this version. Other plugins can change notes, so nothing is taken on trust. */
export function readDeliveryNote(notes: Readonly<Record<string, unknown>>): DeliveryNote | undefined {
  const note = notes[KEY] as Partial<Record<keyof DeliveryNote, unknown>> | null | undefined
  if (typeof note !== 'object' || note === null || note.v !== 1) return undefined
  const isWhole =
    typeof note.sender === 'string' &&
    typeof note.relayIp === 'string' &&
    isCount(note.sizeBytes) &&
    (note.rcptCommands === undefined || isCount(note.rcptCommands)) &&
    isTexts(note.headerLines) &&
    typeof note.headerIsCut === 'boolean' &&
    isCount(note.ownFields) &&
    (note.lineLength === undefined || isCount(note.lineLength)) &&
    Array.isArray(note.recipients) &&
    note.recipients.every(isRecipient) &&
    note.ownFields <= note.headerLines.length &&
    // a larger one isn't ours, and would take long to read
    charactersOf(note as unknown as DeliveryNote) <= LARGEST_NOTE_BYTES
  return isWhole ? (note as unknown as DeliveryNote) : undefined
}

function isRecipient(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { address, notifyNever, final } = value as Partial<Record<keyof NotedRecipient, unknown>>
  return typeof address === 'string' && typeof notifyNever === 'boolean' && isTexts(final)
}

/** A lower bound: each recipient has the names of its members, too. */
function charactersOf({ headerLines, recipients }: DeliveryNote): number {
  const texts = [...headerLines, ...recipients.flatMap(({ address, final }) => [address, ...final])]
  return texts.reduce((sum, text) => sum + text.length, 0)
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(one => typeof one === 'string')
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}

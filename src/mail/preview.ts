// A mail as people see it before they decide about it: a few fields of its header, its text, its attachments, decoded.
// Linear in the mail's length, and never throws: a text that can't be read gives the reason. The texts are the
// sender's, without invisible characters: code that shows them must escape them.

import { errorMessage } from '../errors'
import { type Attachment, readContent } from './content'
import { scanHeader } from './scan-header'
import { UnreadableError } from './unreadable'

export interface Preview {
  header: readonly { name: string; value: string }[]
  /** The text of all plain parts, and that of all HTML parts; empty ones are left out. */
  texts: readonly string[]
  attachments: readonly Pick<Attachment, 'names' | 'types' | 'sizeBytes'>[]
  /** There is more than that. */
  isCut: boolean
  /** The reason why there is no text. */
  fault?: string
}

export interface PreviewOptions {
  /** In UTF-16 units. 0: only the header is read. */
  limitCharacters: number
  /** The bytes are only the mail's beginning. */
  isBeginning: boolean
}

const SHOWN_FIELDS = ['From', 'To', 'Cc', 'Date', 'Subject', 'Message-ID'] as const
/** A mail may have a field thousands of times, and each may be long. */
const MOST_VALUES = 3
const VALUE_CHARACTERS = 1000
const MOST_ATTACHMENTS = 50

export function readPreview(raw: Uint8Array, { limitCharacters, isBeginning }: PreviewOptions): Preview {
  const { facts } = scanHeader(headerLines(raw), 0)
  const header = SHOWN_FIELDS.flatMap(name =>
    facts
      .values(name.toLowerCase())
      .slice(0, MOST_VALUES)
      .map(value => ({ name, value: value.trim().slice(0, VALUE_CHARACTERS) })),
  )
  if (limitCharacters === 0) return { header, texts: [], attachments: [], isCut: isBeginning }
  try {
    const { texts, attachments, isCut } = readContent(raw, limitCharacters)
    return {
      header,
      texts,
      attachments: attachments
        .slice(0, MOST_ATTACHMENTS)
        .map(({ names, types, sizeBytes }) => ({ names, types, sizeBytes })),
      isCut: isCut || isBeginning || attachments.length > MOST_ATTACHMENTS,
    }
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error
    return { header, texts: [], attachments: [], isCut: isBeginning, fault: errorMessage(error) }
  }
}

/** Each with its line end, as Haraka has them; each byte is one character of those beyond ASCII. */
function headerLines(raw: Uint8Array): string[] {
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, Math.min(raw.byteLength, HEADER_BYTES))
  const lines = bytes.toString('latin1').split('\n')
  const end = lines.findIndex(line => line === '' || line === '\r')
  return lines.slice(0, end < 0 ? undefined : end).map(line => `${line}\n`)
}

/** Enough for the fields that are shown. */
const HEADER_BYTES = 64 * 1024

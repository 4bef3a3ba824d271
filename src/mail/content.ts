// Reads the content of a mail: its decoded text and its attachments. Runs only if a rule needs it, in a worker thread
// (src/worker-thread), in linear time and limited memory. Reads everything that a mail program would show, even if
// fields are wrong.

import { NAMES_CHARACTERS } from './mime/limits'
import type { PartFields } from './mime/part-fields'
import { PartTexts, type TextKind } from './mime/part-text'
import { decodedSize } from './mime/transfer-encoding'
import { type PartContext, type Visitor, walk } from './mime/walk-parts'
import { UnreadableError } from './unreadable'

/** Text and attachments. Each text is cut at [content] limit. */
export interface Content {
  /** The text of all plain parts, and the text of all HTML parts; empty ones are left out. Trimmed. */
  texts: readonly string[]
  /** How a reader takes the texts, where that differs (look-alikes.ts). Patterns are compared with these forms too. */
  readings?: readonly string[]
  attachments: readonly Attachment[]
  /** True: a text was longer than the limit. */
  isCut: boolean
}

/** A part that isn't the mail's own text: also an inline picture, an attached mail, and a part of an attached mail. */
export interface Attachment {
  /** All file names in its fields, without invisible characters. */
  names: readonly string[]
  /** Declared media types; for application/octet-stream also the types that belong to the names. */
  types: readonly string[]
  sizeBytes: number
}

/** A text cut at a limit in UTF-16 units. */
export interface CutText {
  text: string
  isCut: boolean
  /** Parts that programs show from right to left, as a reader sees them. */
  reversed?: string
}

/**
 * `raw`: the mail as received. @throws UnreadableError where it exceeds a limit of mime/limits.ts or needs an unknown
 * charset
 */
export function readContent(raw: Uint8Array, limitCharacters: number): Content {
  const reader = new ContentReader(limitCharacters)
  walk(Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength), reader)
  return reader.end()
}

/** Types of the mail's own text. A part with another type counts as an attachment too. */
const OWN_TEXT = /^(?:text|text\/(?:plain|html|enriched|richtext)?|[^/]*|message\/delivery-status)$/
const HTML = /^(?:text\/[^/]*html[^/]*|application\/xhtml\+xml|html)$/
const ENRICHED = /^text\/(?:enriched|richtext)$/
/** Types that programs show as plain text: reports too, and a malformed type (RFC 2045 section 5.2). */
const PLAIN = /^(?:text\/.*|[^/]*|message\/(?:delivery-status|disposition-notification|feedback-report))$/
/** For this type programs use the file name instead. */
const UNTYPED = 'application/octet-stream'

class ContentReader implements Visitor {
  readonly #texts: PartTexts
  readonly #attachments: { names: readonly string[]; types: readonly string[]; sizeBytes: number }[] = []
  #namesCharacters = 0

  constructor(limitCharacters: number) {
    this.#texts = new PartTexts(limitCharacters)
  }

  part(fields: PartFields, body: Buffer, context: PartContext): void {
    const kinds = kindsOf(fields)
    const isText = kinds.length > 0 && fields.isInline
    if (isText && !context.isHidden) this.#read(fields, kinds, body)
    if (
      !isText ||
      fields.isAttached ||
      fields.names.length > 0 ||
      fields.types.some(type => !OWN_TEXT.test(type))
    )
      this.#attach(fields, decodedSize(body, fields.encodings[0] ?? 'identity'))
  }

  message(fields: PartFields): (sizeBytes: number) => void {
    const attachment = this.#attach(fields, 0)
    return sizeBytes => {
      attachment.sizeBytes = sizeBytes
    }
  }

  unsplit(fields: PartFields, body: Buffer, context: PartContext): void {
    const isHtml = /<[a-z!/]/i.test(body.toString('latin1', 0, 65_536))
    if (!context.isHidden) this.#read(fields, isHtml ? ['plain', 'html'] : ['plain'], body)
  }

  end(): Content {
    const { texts, readings, isCut } = this.#texts.end()
    return { texts, ...(readings.length > 0 && { readings }), attachments: this.#attachments, isCut }
  }

  #read(fields: PartFields, kinds: readonly TextKind[], body: Buffer): void {
    if (fields.encodings.includes('unknown'))
      throw new UnreadableError('a text is in an encoding that few programs read')
    for (const reading of fields.readings(kinds)) this.#texts.add(body, reading)
  }

  #attach({ names, types, isAttached, isTyped }: PartFields, sizeBytes: number) {
    this.#namesCharacters += names.reduce((sum, name) => sum + name.length, 0)
    if (this.#namesCharacters > NAMES_CHARACTERS)
      throw new UnreadableError(
        `its file names have more than ${NAMES_CHARACTERS / 1024} thousand characters`,
      )
    const declared = isTyped ? types : isAttached ? [UNTYPED] : names.length > 0 ? [] : types
    const byName = declared.length === 0 || declared.includes(UNTYPED) ? names.map(typeByName) : []
    const attachment = { names, types: distinct([...declared, ...byName]), sizeBytes }
    this.#attachments.push(attachment)
    return attachment
  }
}

function kindsOf({ types }: PartFields): TextKind[] {
  return distinct(
    types.flatMap((type): TextKind[] => {
      if (HTML.test(type)) return ['html']
      if (ENRICHED.test(type)) return ['enriched']
      return PLAIN.test(type) ? ['plain'] : []
    }),
  )
}

let libmime: typeof import('libmime') | undefined

function typeByName(name: string): string {
  libmime ??= require('libmime') as typeof import('libmime')
  return libmime.detectMimeType(name) || UNTYPED
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)]
}

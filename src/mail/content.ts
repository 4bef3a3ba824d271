// Reads the content of a mail: its decoded text and its attachments. Only when a rule asks, in a thread (src/worker-thread).
// Takes linear time and bounded memory. Reads everything that a mail program would show, also where fields are wrong.

import { NAMES_CHARACTERS } from './mime/limits'
import type { PartFields } from './mime/part-fields'
import { PartTexts, type TextKind } from './mime/part-text'
import { decodedSize } from './mime/transfer-encoding'
import { type PartContext, type Visitor, walk } from './mime/walk-parts'
import { UnreadableError } from './unreadable'

/** Both cut to `[content] limit`. */
export interface Content {
  /** The text parts as one, and what can be read of the HTML parts; those that there are, without blanks around them. */
  texts: readonly string[]
  attachments: readonly Attachment[]
  /** A text was longer than the limit. */
  isCut: boolean
}

/** Every part that isn't the mail's own text, inline pictures too; an attached mail, and what is attached to it. */
export interface Attachment {
  /** All names in its fields, without characters that no file name shows. */
  names: readonly string[]
  /** As declared, and, for application/octet-stream, as the names have it. */
  types: readonly string[]
  sizeBytes: number
}

/** In UTF-16 units. */
export interface CutText {
  text: string
  isCut: boolean
}

/** `raw`: the mail, decoded by nobody yet. @throws UnreadableError where it passes the limits of a mail */
export function readContent(raw: Uint8Array, limitCharacters: number): Content {
  const reader = new ContentReader(limitCharacters)
  walk(Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength), reader)
  return reader.end()
}

/** Shown as the mail's own text; with another type a part of it counts among the attachments, too. */
const OWN_TEXT = /^(?:text|text\/(?:plain|html|enriched|richtext)?|[^/]*|message\/delivery-status)$/
const HTML = /^(?:text\/[^/]*html[^/]*|application\/xhtml\+xml|html)$/
const ENRICHED = /^text\/(?:enriched|richtext)$/
/** Reports are shown as text. What is no type at all is text, too (RFC 2045 section 5.2). */
const PLAIN = /^(?:text\/.*|[^/]*|message\/(?:delivery-status|disposition-notification|feedback-report))$/
/** Programs look at the name then. */
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
    const { texts, isCut } = this.#texts.end()
    return { texts, attachments: this.#attachments, isCut }
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

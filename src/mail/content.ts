// Reads the content of a mail: its decoded text and its attachments. Runs only if a rule needs it, in a worker thread
// (src/worker-thread), in linear time and limited memory. Reads everything that a mail program would show, even if
// fields are wrong.

import { Attachments } from './attachments'
import { binhexFile, binhexFiles } from './mime/binhex'
import { fromLatin1 } from './mime/encoded-words'
import { visibleNames } from './mime/file-names'
import type { PartFields } from './mime/part-fields'
import { PartTexts, type TextKind } from './mime/part-text'
import { readTnef } from './mime/tnef'
import { decodedWhole } from './mime/transfer-encoding'
import { uuFiles } from './mime/uuencode'
import { type PartContext, type Visitor, walk } from './mime/walk-parts'
import { UnreadableError } from './unreadable'

export interface ReadingOptions {
  /** [content] limit, in UTF-16 units. */
  limitCharacters: number
  /** A rule asks for the files in archives. */
  opensArchives: boolean
}

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
  /** Names of the files in a zip archive, with and without their folders. Only if archives are opened. */
  files?: readonly string[]
  /** There may be more files. */
  filesAreCut?: true
}

/** A text cut at a limit in UTF-16 units. */
export interface CutText {
  text: string
  isCut: boolean
  /** Parts that programs show from right to left, as a reader sees them. */
  reversed?: string
  /** The text as a reader sees it, where a style hides parts of its words. */
  shown?: string
}

/**
 * `raw`: the mail as received. @throws UnreadableError where it exceeds a limit of mime/limits.ts or needs an unknown
 * charset
 */
export function readContent(raw: Uint8Array, limitCharacters: number, opensArchives = false): Content {
  const reader = new ContentReader(limitCharacters, opensArchives)
  walk(Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength), reader)
  return reader.end()
}

/** Types of the mail's own text. A part with another type counts as an attachment too. */
const OWN_TEXT = /^(?:text|text\/(?:plain|html|enriched|richtext)?|[^/]*|message\/delivery-status)$/
const HTML = /^(?:text\/[^/]*html?[^/]*|application\/xhtml\+xml|html)$/
const ENRICHED = /^text\/(?:enriched|richtext)$/
const CALENDAR = /^text\/(?:calendar|x-vcalendar|vcard|x-vcard|directory)$/
/** Types that programs show as plain text: reports too, and unknown ones of these two kinds. */
const PLAIN = /^(?:text|message)\/.*$/
/** RFC 2045 section 5.2: a malformed type is plain text. These are well-formed (section 5.1). */
const WELL_FORMED = /^[!#-'+\-.0-9^-~]+\/[!#-'+\-.0-9^-~]+$/
/** Types of files, however malformed the rest is. */
const FILE = /^(?:application|image|audio|video|font|model)\//
/** Outlook's winmail.dat. */
const TNEF = /^application\/(?:vnd\.)?ms-tnef$/
const BINHEX = /^application\/(?:x-)?(?:mac-)?binhex(?:40)?$/
const RTF = /^text\/(?:x-)?(?:rtf|richtext-format)$/
const TNEF_NAME = /\.dat$/i

class ContentReader implements Visitor {
  readonly #texts: PartTexts
  readonly #attachments: Attachments
  #hasEncodedText = false

  constructor(limitCharacters: number, opensArchives: boolean) {
    this.#texts = new PartTexts(limitCharacters)
    this.#attachments = new Attachments(opensArchives)
  }

  part(fields: PartFields, body: Buffer, context: PartContext): void {
    const kinds = kindsOf(fields)
    const isText = kinds.length > 0 && fields.isInline
    if (isText && !context.isHidden) this.#read(fields, kinds, body)
    const isUuencoded = fields.encodings.includes('uuencode')
    if (
      !isText ||
      fields.isAttached ||
      fields.names.length > 0 ||
      fields.types.some(type => !OWN_TEXT.test(type))
    )
      this.#attachments.addPart(fields, body, namesWithin(fields, body))
    if (isText && !isUuencoded) this.#addFilesWithin(fields, body, context)
    if (!isText) this.#openTnef(fields, body, context)
  }

  message(fields: PartFields): (sizeBytes: number) => void {
    return this.#attachments.addMessage(fields)
  }

  unsplit(fields: PartFields, body: Buffer, context: PartContext): void {
    const isHtml = /<[a-z!/]/i.test(body.toString('latin1', 0, 65_536))
    if (!context.isHidden) this.#read(fields, isHtml ? ['plain', 'html'] : ['plain'], body)
    this.#addFilesWithin(fields, body, context)
  }

  end(): Content {
    const { texts, readings, isCut } = this.#texts.end()
    if (this.#hasEncodedText)
      for (const text of texts) if (text.includes('begin')) this.#addUuFiles(Buffer.from(text))
    const { all } = this.#attachments
    return { texts, ...(readings.length > 0 && { readings }), attachments: all, isCut }
  }

  /** Files that a text holds in its lines. Those of encoded texts are looked for when they are decoded. */
  #addFilesWithin({ encodings }: PartFields, body: Buffer, { isHidden }: PartContext): void {
    if (encodings.includes('identity')) this.#addUuFiles(body)
    else if (!isHidden) this.#hasEncodedText = true
  }

  #addUuFiles(body: Buffer): void {
    for (const { name, sizeBytes, bytes } of uuFiles(body)) this.#addFileOf(name, sizeBytes, bytes)
    for (const { name, sizeBytes } of binhexFiles(body)) this.#addFileOf(name, sizeBytes, () => undefined)
  }

  #addFileOf(name: string, sizeBytes: number, bytes: () => Buffer | undefined): void {
    const names = visibleNames([fromLatin1(name)])
    const isKnown = this.#attachments.all.some(one => names.every(own => one.names.includes(own)))
    if (names.length > 0 && !isKnown) this.#attachments.addFile(names, sizeBytes, bytes)
  }

  #openTnef({ types, names: own, encodings }: PartFields, body: Buffer, { isHidden }: PartContext): void {
    if (!types.some(type => TNEF.test(type)) && !own.some(name => TNEF_NAME.test(name))) return
    const tnef = readTnef(decodedWhole(body, encodings.find(one => one !== 'identity') ?? 'identity'))
    if (tnef === undefined) return
    for (const { names, bytes } of tnef.files)
      this.#attachments.addFile(visibleNames(names), bytes.length, () => bytes)
    if (isHidden) return
    for (const { bytes, kind, charset } of tnef.texts)
      this.#texts.add(bytes, { kind, charset, encoding: 'identity' })
  }

  #read(fields: PartFields, kinds: readonly TextKind[], body: Buffer): void {
    if (fields.encodings.includes('unknown'))
      throw new UnreadableError('a text is in an encoding that few programs read')
    for (const reading of fields.readings(kinds)) this.#texts.add(body, reading)
  }
}

/** Names of the files in a part that is one encoded file. */
function namesWithin({ types, encodings }: PartFields, body: Buffer): string[] {
  if (encodings.includes('uuencode')) return visibleNames(uuFiles(body).map(({ name }) => fromLatin1(name)))
  if (!encodings.includes('unknown') && !types.some(type => BINHEX.test(type))) return []
  const encoding = encodings.find(one => one !== 'identity' && one !== 'unknown') ?? 'identity'
  const file = binhexFile(decodedWhole(body, encoding))
  return file === undefined ? [] : visibleNames([fromLatin1(file.name)])
}

function kindsOf({ types }: PartFields): TextKind[] {
  return distinct(
    types.flatMap((type): TextKind[] => {
      if (HTML.test(type)) return ['html']
      if (ENRICHED.test(type)) return ['enriched']
      if (RTF.test(type)) return ['rtf']
      if (CALENDAR.test(type)) return ['calendar']
      if (PLAIN.test(type) && WELL_FORMED.test(type)) return ['plain']
      if (WELL_FORMED.test(type) || FILE.test(type)) return []
      return type.includes('htm') ? ['plain', 'html'] : ['plain']
    }),
  )
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)]
}

// Collects the attachments of a mail: parts, attached mails, and files within a text or a winmail.dat.
// Opens archives only where a rule asks for the files in them.

import { isZip, zipNames } from './archive'
import type { Attachment } from './content'
import { NAMES_CHARACTERS, PARTS } from './mime/limits'
import type { PartFields } from './mime/part-fields'
import { decodedSize, decodedWhole } from './mime/transfer-encoding'
import { UnreadableError } from './unreadable'

/** The type for which programs use the file name instead. */
const UNTYPED = 'application/octet-stream'
/** Types and names of archives that must be readable: a file of another type may be a zip archive too, such as a .jar. */
const ZIP_TYPE = /^(?:application|multipart)\/(?:x-)?zip(?:-compressed)?$/
const ZIP_NAME = /\.zip$/i
/** The beginning of an attachment that shows whether it is an archive, encoded. */
const FIRST_BYTES = 256

type Building = { -readonly [K in keyof Attachment]: Attachment[K] }

export class Attachments {
  readonly #opensArchives: boolean
  readonly #all: Building[] = []
  #namesCharacters = 0
  #files = 0

  constructor(opensArchives: boolean) {
    this.#opensArchives = opensArchives
  }

  get all(): readonly Attachment[] {
    return this.#all
  }

  /** `more`: names that aren't in its fields. */
  addPart(fields: PartFields, body: Buffer, more: readonly string[] = []): void {
    const attachment = this.#add(fields, decodedSize(body, fields.encodings[0] ?? 'identity'), more)
    if (this.#opensArchives) this.#open(attachment, fields, body)
  }

  /** An attached mail. Call the returned function with its size. */
  addMessage(fields: PartFields): (sizeBytes: number) => void {
    const attachment = this.#add(fields, 0, [])
    return sizeBytes => {
      attachment.sizeBytes = sizeBytes
    }
  }

  /** A file that isn't a part. `bytes`: the decoded file. Undefined: it can't be decoded. */
  addFile(names: readonly string[], sizeBytes: number, bytes: () => Buffer | undefined): void {
    this.#count(names)
    if (++this.#files > PARTS)
      throw new UnreadableError(`it has more than ${PARTS} files in texts or a winmail.dat`)
    const attachment: Building = { names, types: distinct(names.map(typeByName)), sizeBytes }
    this.#all.push(attachment)
    if (!this.#opensArchives) return
    const decoded = bytes()
    if (decoded === undefined && isNamedAsZip(attachment)) attachment.filesAreCut = true
    if (decoded !== undefined && (isNamedAsZip(attachment) || isZip(decoded)))
      this.#readArchive(attachment, decoded)
  }

  #add({ names, types, isAttached, isTyped }: PartFields, sizeBytes: number, more: readonly string[]) {
    const all = more.length === 0 ? names : distinct([...names, ...more])
    this.#count(all)
    const declared = isTyped ? types : isAttached ? [UNTYPED] : all.length > 0 ? [] : types
    const byName = declared.length === 0 || declared.includes(UNTYPED) ? all.map(typeByName) : []
    const attachment: Building = { names: all, types: distinct([...declared, ...byName]), sizeBytes }
    this.#all.push(attachment)
    return attachment
  }

  #open(attachment: Building, { encodings }: PartFields, body: Buffer): void {
    const isNamed = isNamedAsZip(attachment)
    const encoding = encodings.find(one => one !== 'identity') ?? 'identity'
    if (encoding === 'unknown') {
      if (isNamed) attachment.filesAreCut = true
      return
    }
    if (!isNamed && !isZip(decodedWhole(body.subarray(0, FIRST_BYTES), encoding))) return
    this.#readArchive(attachment, decodedWhole(body, encoding))
  }

  #readArchive(attachment: Building, bytes: Buffer): void {
    const archive = zipNames(bytes, NAMES_CHARACTERS - this.#namesCharacters)
    this.#count(archive.names)
    attachment.files = archive.names
    if (archive.isCut) attachment.filesAreCut = true
  }

  #count(names: readonly string[]): void {
    for (const name of names) this.#namesCharacters += name.length
    if (this.#namesCharacters > NAMES_CHARACTERS)
      throw new UnreadableError(
        `its file names have more than ${NAMES_CHARACTERS / 1024} thousand characters`,
      )
  }
}

function isNamedAsZip({ names, types }: Attachment): boolean {
  return names.some(name => ZIP_NAME.test(name)) || types.some(type => ZIP_TYPE.test(type))
}

let libmime: typeof import('libmime') | undefined

function typeByName(name: string): string {
  libmime ??= require('libmime') as typeof import('libmime')
  return libmime.detectMimeType(name) || UNTYPED
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)]
}

// The names of the files in a winmail.dat: Transport Neutral Encapsulation Format ([MS-OXTNEF]), which Outlook writes and
// opens. Reads names, files and texts, those of mails within it included, in linear time. npm has readers, but none is maintained,
// and they copy every file.

import { UnreadableError } from '../unreadable'
import { decodeBytes } from './charset'
import { PARTS } from './limits'

export interface TnefFile {
  names: readonly string[]
  /** Empty: it has none. */
  bytes: Buffer
}

export interface TnefText {
  kind: 'plain' | 'html' | 'rtf'
  charset: string
  bytes: Buffer
}

export interface Tnef {
  files: readonly TnefFile[]
  /** The texts of the mail, without those of mails within it. */
  texts: readonly TnefText[]
}

/** [MS-OXTNEF] 2.1.3.1: signature and key. */
const SIGNATURE = 0x223e9f78
const HEADER_BYTES = 6
/** 2.1.3.1.1: level, id and length before the data, a checksum behind it. */
const ATTRIBUTE_BYTES = 9
const CHECKSUM_BYTES = 2
/** 2.1.3.4: the ids of attributes. */
const [ATTACH_RENDER, ATTACH_TITLE, TRANSPORT_NAME] = [0x9002, 0x8010, 0x9001]
const [ATTACH_DATA, ATTACH_PROPERTIES] = [0x800f, 0x9005]
const [BODY, MESSAGE_PROPERTIES, CODE_PAGE] = [0x800c, 0x9003, 0x9007]
/** [MS-OXPROPS]: file names of an attachment; text and HTML of a mail. */
const NAME_PROPERTIES = new Set([0x3001, 0x3704, 0x3707])
const [TEXT_PROPERTY, RTF_PROPERTY, HTML_PROPERTY] = [0x1000, 0x1009, 0x1013]
/** An attachment's object: a mail of the same format, behind the identifier of its interface. */
const OBJECT_PROPERTY = 0x3701
/** Mails within each other: people forward a few. */
const DEPTH = 10
/** [MS-OXCDATA] 2.11.1: types of properties by the bytes that they have; those with a length of their own. */
const FIXED_BYTES: ReadonlyMap<number, number> = new Map(
  Object.entries({
    0x02: 4,
    0x03: 4,
    0x04: 4,
    0x05: 8,
    0x06: 8,
    0x07: 8,
    0x0a: 4,
    0x0b: 4,
    0x14: 8,
    0x40: 8,
    0x48: 16,
  }).map(([type, bytes]) => [Number(type), bytes]),
)
const SIZED = new Set([0x0d, 0x1e, 0x1f, 0x102])
const UNICODE = 0x1f
const MULTIPLE = 0x1000
const FIRST_NAMED = 0x8000
const GUID_BYTES = 16

/** Undefined: the bytes are nothing of the kind. @throws UnreadableError where they break off, or nest too deep */
export function readTnef(bytes: Buffer, depth = 0): Tnef | undefined {
  if (bytes.length < HEADER_BYTES || bytes.readUInt32LE(0) !== SIGNATURE) return undefined
  if (depth > DEPTH) throw new UnreadableError(`the mails in its winmail.dat nest deeper than ${DEPTH}`)
  try {
    const reader = new Reader(depth)
    for (const { id, data } of attributes(bytes)) reader.attribute(id, data)
    return reader.end()
  } catch (error) {
    if (error instanceof RangeError) throw new UnreadableError('its winmail.dat breaks off')
    throw error
  }
}

function* attributes(bytes: Buffer): Generator<{ id: number; data: Buffer }> {
  for (let at = HEADER_BYTES; at + ATTRIBUTE_BYTES <= bytes.length; ) {
    const from = at + ATTRIBUTE_BYTES
    const to = from + bytes.readUInt32LE(at + 5)
    if (to > bytes.length) throw new RangeError('an attribute breaks off')
    yield { id: bytes.readUInt16LE(at + 1), data: bytes.subarray(from, to) }
    at = to + CHECKSUM_BYTES
  }
}

class Reader {
  readonly #depth: number
  readonly #files: { names: Set<string>; bytes: Buffer }[] = []
  readonly #within: TnefFile[] = []
  readonly #texts: TnefText[] = []
  /** The charset of texts that aren't Unicode. '': it names none. */
  #charset = ''

  constructor(depth: number) {
    this.#depth = depth
  }

  attribute(id: number, data: Buffer): void {
    if (id === ATTACH_RENDER) this.#files.push({ names: new Set(), bytes: NONE })
    const file = this.#files.at(-1)
    if (id === ATTACH_TITLE || id === TRANSPORT_NAME) file?.names.add(this.#nameOf(data, false))
    else if (id === ATTACH_DATA && file !== undefined) file.bytes = data
    else if (id === ATTACH_PROPERTIES) {
      for (const property of properties(data)) this.#fileProperty(property)
    } else if (id === CODE_PAGE && data.length >= 4) this.#charset = `cp${data.readUInt32LE(0)}`
    else if (id === BODY) this.#addText('plain', this.#charset, data)
    else if (id === MESSAGE_PROPERTIES) for (const property of properties(data)) this.#mailProperty(property)
  }

  end(): Tnef {
    const files = this.#files.map(({ names, bytes }) => ({ names: [...names], bytes }))
    return { files: [...files, ...this.#within], texts: this.#texts }
  }

  #fileProperty({ id, isUnicode, value }: Property): void {
    const file = this.#files.at(-1)
    if (NAME_PROPERTIES.has(id)) file?.names.add(this.#nameOf(value, isUnicode))
    if (id !== OBJECT_PROPERTY || file === undefined) return
    file.bytes = value.subarray(GUID_BYTES)
    this.#within.push(...(readTnef(file.bytes, this.#depth + 1)?.files ?? []))
  }

  #mailProperty({ id, isUnicode, value }: Property): void {
    const charset = isUnicode ? 'utf-16le' : this.#charset
    if (id === TEXT_PROPERTY) this.#addText('plain', charset, value)
    if (id === HTML_PROPERTY) this.#addText('html', charset, value)
    if (id === RTF_PROPERTY) this.#addText('rtf', '', value)
  }

  #addText(kind: TnefText['kind'], charset: string, bytes: Buffer): void {
    if (this.#texts.length >= PARTS) throw new UnreadableError(`its winmail.dat has more than ${PARTS} texts`)
    this.#texts.push({ kind, charset, bytes })
  }

  #nameOf(value: Buffer, isUnicode: boolean): string {
    const text = isUnicode ? value.toString('utf16le') : decodeBytes(value, this.#charset)
    return text.replace(/\0.*$/s, '')
  }
}

const NONE = Buffer.alloc(0)

interface Property {
  id: number
  isUnicode: boolean
  value: Buffer
}

/** [MS-OXTNEF] 2.1.3.5.1, MsgPropertyList. Ends at a property of a type that it doesn't know. */
function* properties(data: Buffer): Generator<Property> {
  const count = data.readUInt32LE(0)
  let at = 4
  for (let done = 0; done < count && at < data.length; done++) {
    const type = data.readUInt16LE(at)
    const id = data.readUInt16LE(at + 2)
    at += 4
    if (id >= FIRST_NAMED) at = afterName(data, at)
    const isMultiple = (type & MULTIPLE) !== 0
    const kind = type & ~MULTIPLE
    const fixed = FIXED_BYTES.get(kind)
    if (fixed !== undefined) {
      const values = isMultiple ? data.readUInt32LE(at) : 1
      at += (isMultiple ? 4 : 0) + values * fixed
      continue
    }
    if (!SIZED.has(kind)) return
    const values = data.readUInt32LE(at)
    at += 4
    for (let value = 0; value < values; value++) {
      const length = data.readUInt32LE(at)
      const from = at + 4
      if (from + length > data.length) throw new RangeError('a property breaks off')
      yield { id, isUnicode: kind === UNICODE, value: data.subarray(from, from + length) }
      at = from + padded(length)
    }
  }
}

function afterName(data: Buffer, from: number): number {
  const kindAt = from + GUID_BYTES
  const isId = data.readUInt32LE(kindAt) === 0
  return isId ? kindAt + 8 : kindAt + 8 + padded(data.readUInt32LE(kindAt + 4))
}

/** To a multiple of four. */
function padded(length: number): number {
  return Math.ceil(length / 4) * 4
}

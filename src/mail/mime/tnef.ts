// The names of the files in a winmail.dat: Transport Neutral Encapsulation Format ([MS-OXTNEF]), which Outlook writes and
// opens. Reads names, sizes and plain text only, in linear time. npm has readers, but none is maintained, and they copy
// every file.

import { UnreadableError } from '../unreadable'

export interface TnefFile {
  names: readonly string[]
  sizeBytes: number
}

export interface Tnef {
  files: readonly TnefFile[]
  /** Texts of the mail, with their charset. */
  texts: readonly { kind: 'plain' | 'html'; charset: string; bytes: Buffer }[]
}

/** [MS-OXTNEF] 2.1.3.1: signature and key. */
const SIGNATURE = 0x223e9f78
const HEADER_BYTES = 6
/** 2.1.3.1.1: level, id and length before the data, a checksum behind it. */
const ATTRIBUTE_BYTES = 9
const CHECKSUM_BYTES = 2
/** 2.1.3.4: the ids of attributes. */
const [ATTACH_RENDER, ATTACH_TITLE, ATTACH_DATA, ATTACH_PROPERTIES] = [0x9002, 0x8010, 0x800f, 0x9005]
const [BODY, MESSAGE_PROPERTIES] = [0x800c, 0x9003]
/** [MS-OXPROPS]: file names of an attachment; text and HTML of a mail. */
const NAME_PROPERTIES = new Set([0x3001, 0x3704, 0x3707])
const [TEXT_PROPERTY, HTML_PROPERTY] = [0x1000, 0x1013]
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

/** Undefined: the bytes are nothing of the kind. @throws UnreadableError where they break off */
export function readTnef(bytes: Buffer): Tnef | undefined {
  if (bytes.length < HEADER_BYTES || bytes.readUInt32LE(0) !== SIGNATURE) return undefined
  try {
    return readAttributes(bytes)
  } catch (error) {
    if (error instanceof RangeError) throw new UnreadableError('its winmail.dat breaks off')
    throw error
  }
}

function readAttributes(bytes: Buffer): Tnef {
  const files: { names: Set<string>; sizeBytes: number }[] = []
  const texts: { kind: 'plain' | 'html'; charset: string; bytes: Buffer }[] = []
  for (let at = HEADER_BYTES; at + ATTRIBUTE_BYTES <= bytes.length; ) {
    const id = bytes.readUInt16LE(at + 1)
    const from = at + ATTRIBUTE_BYTES
    const to = from + bytes.readUInt32LE(at + 5)
    if (to > bytes.length) throw new RangeError('an attribute breaks off')
    const data = bytes.subarray(from, to)
    at = to + CHECKSUM_BYTES
    if (id === ATTACH_RENDER) files.push({ names: new Set(), sizeBytes: 0 })
    const file = files.at(-1)
    if (id === ATTACH_TITLE) file?.names.add(textOf(data, false))
    else if (id === ATTACH_DATA && file !== undefined) file.sizeBytes = data.length
    else if (id === ATTACH_PROPERTIES) {
      for (const { id: property, isUnicode, value } of properties(data))
        if (NAME_PROPERTIES.has(property)) file?.names.add(textOf(value, isUnicode))
    } else if (id === BODY) texts.push({ kind: 'plain', charset: '', bytes: data })
    else if (id === MESSAGE_PROPERTIES) {
      for (const { id: property, isUnicode, value } of properties(data)) {
        const charset = isUnicode ? 'utf-16le' : ''
        if (property === TEXT_PROPERTY) texts.push({ kind: 'plain', charset, bytes: value })
        if (property === HTML_PROPERTY) texts.push({ kind: 'html', charset, bytes: value })
      }
    }
  }
  return { files: files.map(({ names, sizeBytes }) => ({ names: [...names], sizeBytes })), texts }
}

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

function textOf(value: Buffer, isUnicode: boolean): string {
  const text = isUnicode ? value.toString('utf16le') : value.toString('latin1')
  return text.replace(/\0.*$/s, '')
}

// The names of the files in a zip archive (APPNOTE.TXT 6.3.10), one level deep, without unpacking anything.
// Programs go by the list at the end or by the header of each file, and the two may differ: so both are read. Linear.

import { isUtf8 } from 'node:buffer'
import { visibleText } from './mime/visible-text'

export interface Archive {
  names: readonly string[]
  /** There may be more: the archive is damaged, its list is encrypted, or it has too many names. */
  isCut: boolean
}

/** APPNOTE 4.3.7 and 4.3.12: the header of a file, its entry in the list, and where name and extra field lie in each. */
const HEADERS = [
  {
    signature: Buffer.from('PK\x03\x04', 'latin1'),
    flagsAt: 6,
    nameLengthAt: 26,
    extraLengthAt: 28,
    bytes: 30,
  },
  {
    signature: Buffer.from('PK\x01\x02', 'latin1'),
    flagsAt: 8,
    nameLengthAt: 28,
    extraLengthAt: 30,
    bytes: 46,
  },
] as const
/** 4.3.16: the end of the list, and its number of entries. */
const END = Buffer.from('PK\x05\x06', 'latin1')
const END_ENTRIES_AT = 10
const END_BYTES = 22
/** 4.4.4: the name is UTF-8; names are replaced as the list is encrypted. */
const [IS_UTF8, IS_MASKED] = [1 << 11, 1 << 13]
/** 4.6.9: the name in UTF-8, behind a version and a checksum. */
const UNICODE_NAME = 0x7075
const UNICODE_NAME_AT = 5
/** File systems accept 255 bytes for each of some folders. */
const NAME_BYTES = 4096

/** Whether the bytes begin like a zip archive, also one in several parts. */
export function isZip(first: Buffer): boolean {
  // oxlint-disable-next-line no-control-regex
  return /^PK(?:\x03\x04|\x05\x06|\x07\x08|00PK)/.test(first.toString('latin1', 0, 8))
}

export function zipNames(bytes: Buffer, mostCharacters: number): Archive {
  const names = new Set<string>()
  let characters = 0
  let isCut = false
  for (const header of HEADERS) {
    const { signature } = header
    for (let at = bytes.indexOf(signature); at >= 0; at = bytes.indexOf(signature, at + signature.length)) {
      if (at + header.bytes > bytes.length) continue
      const flags = bytes.readUInt16LE(at + header.flagsAt)
      if ((flags & IS_MASKED) !== 0) isCut = true
      for (const name of namesAt(bytes, at, header, flags)) {
        if (names.has(name)) continue
        characters += name.length
        if (characters > mostCharacters) return { names: [...names], isCut: true }
        names.add(name)
      }
    }
  }
  return { names: [...names], isCut: isCut || (names.size === 0 && !isEmpty(bytes)) }
}

function isEmpty(bytes: Buffer): boolean {
  const at = bytes.lastIndexOf(END)
  return at >= 0 && at + END_BYTES <= bytes.length && bytes.readUInt16LE(at + END_ENTRIES_AT) === 0
}

/** The name as a path and without its folders. Empty for a folder. */
function namesAt(bytes: Buffer, at: number, header: (typeof HEADERS)[number], flags: number): string[] {
  const length = bytes.readUInt16LE(at + header.nameLengthAt)
  const from = at + header.bytes
  const name = bytes.subarray(from, from + Math.min(length, NAME_BYTES))
  const extraAt = from + length
  const extra = bytes.subarray(extraAt, extraAt + bytes.readUInt16LE(at + header.extraLengthAt))
  const written = [decoded(name, (flags & IS_UTF8) !== 0), unicodeName(extra)]
  return written.flatMap(path => {
    const seen = visibleText(path)
      // oxlint-disable-next-line no-control-regex
      .replace(/[\p{Cc}\p{Cf}]/gu, '')
      .replaceAll('\\', '/')
      .replace(/[\s.]+$/, '')
    if (seen === '' || seen.endsWith('/')) return []
    const base = seen.slice(seen.lastIndexOf('/') + 1)
    return base === seen ? [seen] : [seen, base]
  })
}

function unicodeName(extra: Buffer): string {
  for (let at = 0; at + 4 <= extra.length; ) {
    const size = extra.readUInt16LE(at + 2)
    if (extra.readUInt16LE(at) === UNICODE_NAME)
      return extra.toString('utf8', at + 4 + UNICODE_NAME_AT, at + 4 + size)
    at += 4 + size
  }
  return ''
}

/** 4.4.4: without the flag the charset is IBM's 437, but many programs write UTF-8 all the same. */
function decoded(name: Buffer, isMarked: boolean): string {
  if (isMarked || isUtf8(name)) return name.toString('utf8')
  return (require('iconv-lite') as typeof import('iconv-lite')).decode(name, 'cp437')
}

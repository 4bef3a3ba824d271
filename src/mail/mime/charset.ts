// Decodes bytes by the charset that a part names, as mail programs do. A byte order mark takes precedence over the name.
// Bytes without a usable name are UTF-8 if valid, else windows-1252. iconv-lite knows most charsets, Node.js some more.

import { isUtf8 } from 'node:buffer'
import { UnreadableError } from '../unreadable'
import { Iso2022Decoding } from './iso-2022'

/** Decodes chunks in order. @throws UnreadableError where the text can't be known without an unknown charset */
export interface TextDecoding {
  write(bytes: Buffer): string
  end(): string
}

/** Names that say nothing about the charset, and the names of ASCII, which programs treat the same. */
const NO_NAMED_CHARSET =
  /^(?:|us|usascii|ascii|ansix34(?:1968|1986)|isoir6|iso646us|cp367|ibm367|[78]bit|binary|x?unknown(?:8bit)?|default|none|ansi|xuserdefined)$/
const UTF8 = /^(?:utf8|unicode11utf8|xunicode20utf8|utf8sig|utf8mb4|cp65001)$/
/** WHATWG Encoding, section 4.2: programs read ISO 8859-1 as windows-1252. */
const LATIN =
  /^(?:iso88591|isoir100|latin1|l1|cp819|ibm819|csisolatin1|iso8859115?|windows1252|cp1252|win1252)$/
const UTF7 = /^(?:utf7|unicode(?:11|20)utf7|csunicode11utf7|xunicode20utf7|utf7imap)$/
const UTF16 = /^(?:utf16|ucs2|iso10646ucs2|csunicode|unicode|unicodefffe|utf16[lb]e|ucs2[lb]e|unicodefeff)$/
/** Encodings of iconv-lite that aren't charsets. */
const NO_CHARSET = new Set(['base64', 'hex', 'binary'])
/** Charsets of seven bits: ISO 2022 and HZ. */
const ISO_2022 = /^(?:cs|x)?(?:iso2022(?:jp(?:\d|ms|\d{4})?|kr|cn(?:ext)?)|cp5022[0-2])$/
const HZ = /^(?:x)?hz(?:gb2312)?$/
/** Programs recognize Japanese text of seven bits without its charset, as no other text has these signs. */
const IS_JAPANESE = Buffer.from('\x1b$B')

/** A charset's name for comparing: its letters and digits in lower case. */
export function charsetKey(label: string): string {
  return label
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')
    .replace(/^3d(?=[a-z])/, '')
}

/** Whether the label leaves the charset open, so that HTML may name its own. */
export function namesNoCharset(label: string): boolean {
  return NO_NAMED_CHARSET.test(charsetKey(label))
}

/** Whether the label is UTF-7: many programs don't decode it and show its ASCII characters. */
export function isUtf7(label: string): boolean {
  return UTF7.test(charsetKey(label))
}

/** Whether the text can be decoded by that name, or needs none. */
export function isKnownCharset(label: string): boolean {
  const key = charsetKey(label)
  const isOwn = [UTF8, ISO_2022, HZ, NO_NAMED_CHARSET, LATIN, UTF7, UTF16].some(known => known.test(key))
  return isOwn || nameOf(key) !== undefined || isNative(label)
}

export function decodeBytes(bytes: Buffer, label: string): string {
  try {
    const decoding = textDecoding(label)
    return decoding.write(bytes) + decoding.end()
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error
    return bytes.toString('latin1')
  }
}

export function textDecoding(label: string): TextDecoding {
  return new MarkedDecoding(label)
}

/** A longer run is broken off all the same. */
const RUN_BYTES = 4096
const OPEN_RUN = /[+&][A-Za-z0-9+/,]*-?$/
const EMPTY: Buffer = Buffer.alloc(0)

/** Looks for a byte order mark first (WHATWG Encoding, section 6). */
class MarkedDecoding implements TextDecoding {
  readonly #label: string
  #inner: TextDecoding | undefined
  #first: Buffer | undefined

  constructor(label: string) {
    this.#label = label
  }

  write(bytes: Buffer): string {
    if (this.#inner) return this.#inner.write(bytes)
    const all = this.#first ? Buffer.concat([this.#first, bytes]) : bytes
    if (all.length < 4) {
      this.#first = Buffer.from(all)
      return ''
    }
    return this.#start(all)
  }

  end(): string {
    const begun = this.#inner ? '' : this.#start(this.#first ?? Buffer.alloc(0))
    return begun + (this.#inner?.end() ?? '')
  }

  #start(bytes: Buffer): string {
    this.#inner = byMark(bytes) ?? byName(this.#label, bytes)
    this.#first = undefined
    return this.#inner.write(bytes)
  }
}

function byMark(bytes: Buffer): TextDecoding | undefined {
  const [a, b, c, d] = bytes
  if (a === 0xef && b === 0xbb && c === 0xbf) return native('utf-8')
  if (a === 0xff && b === 0xfe && !(c === 0 && d === 0)) return native('utf-16le')
  if (a === 0xfe && b === 0xff) return native('utf-16be')
  return undefined
}

function byName(label: string, bytes: Buffer): TextDecoding {
  const key = charsetKey(label)
  if (UTF8.test(key)) return native('utf-8')
  if (ISO_2022.test(key)) return new Iso2022Decoding(label, false, decodeRun)
  if (HZ.test(key)) return new Iso2022Decoding(label, true, decodeRun)
  if (NO_NAMED_CHARSET.test(key)) {
    return bytes.includes(IS_JAPANESE) ? new Iso2022Decoding(label, false, decodeRun) : new GuessedDecoding()
  }
  if (LATIN.test(key)) return known('windows-1252')
  if (UTF7.test(key)) return new WholeRuns(known(key === 'utf7imap' ? 'utf-7-imap' : 'utf-7'))
  if (UTF16.test(key)) return native(utf16Order(key, bytes))
  const name = nameOf(key)
  if (name !== undefined) return known(name)
  return isNative(label) ? native(label.trim().toLowerCase()) : new GuessedDecoding(label)
}

/** Numbers of code pages that have another name in iconv-lite. */
const CODE_PAGES: ReadonlyMap<string, string> = new Map([
  ['10000', 'macroman'],
  ['10006', 'macgreek'],
  ['10007', 'maccyrillic'],
  ['10029', 'maccenteuro'],
  ['10081', 'macturkish'],
  ['20866', 'koi8r'],
  ['21866', 'koi8u'],
  ['51932', 'eucjp'],
  ['51949', 'euckr'],
  ['54936', 'gb18030'],
])
/** `cp1251`, `x-windows-949`, `code page 1251`, `ibm-866`, `1251`. */
const CODE_PAGE = /^x?(?:codepage|cp|windows|win|ibm|ms|dos|pc|)(\d{3,5})$/

/** The name in iconv-lite. */
function nameOf(key: string): string | undefined {
  const iconv = loadIconv()
  const page = CODE_PAGE.exec(key)?.[1]
  const names = page === undefined ? [key] : [key, CODE_PAGES.get(page) ?? `cp${page}`]
  return names.find(name => !NO_CHARSET.has(name) && iconv.encodingExists(name))
}

function isNative(label: string): boolean {
  try {
    return native(label.trim().toLowerCase()) !== undefined
  } catch {
    return false
  }
}

/** Counts those of the first bytes that are at most `most`, at even offsets and at odd ones. */
function highBytes(bytes: Buffer, most: number): [even: number, odd: number] {
  const counts: [number, number] = [0, 0]
  for (let at = 0; at < Math.min(bytes.length, 4096); at++) {
    if ((bytes[at] as number) <= most) counts[at % 2 === 0 ? 0 : 1]++
  }
  return counts
}

// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\x01-\x08\x0e-\x1a\x1c-\x1f]/

/**
 * Without a mark RFC 2781 says big endian, browsers little endian. Blanks and Latin letters, with a zero byte, show
 * which.
 */
function utf16Order(key: string, bytes: Buffer): string {
  const [even, odd] = highBytes(bytes, 0)
  // real UTF-16 text has at least one zero byte, or bytes that are control characters in UTF-8
  if (even === 0 && odd === 0 && isUtf8(bytes) && !CONTROLS.test(bytes.toString('latin1'))) return 'utf-8'
  if (even !== odd) return even > odd ? 'utf-16be' : 'utf-16le'
  // letters of most scripts lie below U+2000
  const [evenLow, oddLow] = highBytes(bytes, 0x1f)
  if (evenLow !== oddLow) return evenLow > oddLow ? 'utf-16be' : 'utf-16le'
  return key.endsWith('be') || key === 'unicodefeff' ? 'utf-16be' : 'utf-16le'
}

/** UTF-8 if valid, else windows-1252, or unreadable if the label is one of an unknown charset. */
class GuessedDecoding implements TextDecoding {
  readonly #label: string | undefined
  #open = EMPTY

  constructor(label?: string) {
    this.#label = label
  }

  write(bytes: Buffer): string {
    const all = this.#open.length === 0 ? bytes : Buffer.concat([this.#open, bytes])
    const end = all.length - openBytes(all)
    this.#open = Buffer.from(all.subarray(end))
    return this.#decode(all.subarray(0, end))
  }

  end(): string {
    const text = this.#decode(this.#open)
    this.#open = EMPTY
    return text
  }

  #decode(bytes: Buffer): string {
    if (isUtf8(bytes)) return bytes.toString('utf8')
    if (this.#label !== undefined)
      throw new UnreadableError(`a text is in the charset "${this.#label.slice(0, 40)}"`)
    return loadIconv().decode(bytes, 'windows-1252')
  }
}

/** A TextDecoder that is several times as fast for a text of a few kilobytes. */
class Utf8Decoding implements TextDecoding {
  #open = EMPTY

  write(bytes: Buffer): string {
    const all = this.#open.length === 0 ? bytes : Buffer.concat([this.#open, bytes])
    const end = all.length - openBytes(all)
    this.#open = end === all.length ? EMPTY : Buffer.from(all.subarray(end))
    return all.toString('utf8', 0, end)
  }

  end(): string {
    return this.#open.toString('utf8')
  }
}

/** Gives a decoder of UTF-7 whole runs of base64: it loses the end of one that a chunk breaks off. */
class WholeRuns implements TextDecoding {
  readonly #inner: TextDecoding
  #open = EMPTY

  constructor(inner: TextDecoding) {
    this.#inner = inner
  }

  write(bytes: Buffer): string {
    const all = this.#open.length === 0 ? bytes : Buffer.concat([this.#open, bytes])
    const run = OPEN_RUN.exec(all.toString('latin1', Math.max(0, all.length - RUN_BYTES)))
    const end = all.length - (run?.[0].length ?? 0)
    this.#open = Buffer.from(all.subarray(end))
    return this.#inner.write(all.subarray(0, end))
  }

  end(): string {
    return this.#inner.write(this.#open) + this.#inner.end()
  }
}

/** The number of bytes at the end that belong to an incomplete UTF-8 character. */
function openBytes(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number
    if (byte >= 0xc0) return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > back ? back : 0
    if (byte < 0x80) return 0
  }
  return 0
}

function native(label: string): TextDecoding {
  if (label === 'utf-8') return new Utf8Decoding()
  const decoder = new TextDecoder(label)
  return { write: bytes => decoder.decode(bytes, { stream: true }), end: () => decoder.decode() }
}

function decodeRun(bytes: Buffer, encoding: string): string {
  if (encoding === 'latin1' && isUtf8(bytes)) return bytes.toString('utf8')
  return loadIconv().decode(bytes, encoding === 'latin1' ? 'windows-1252' : encoding)
}

function known(name: string): TextDecoding {
  const decoder = loadIconv().getDecoder(name)
  return { write: bytes => decoder.write(bytes), end: () => decoder.end() || '' }
}

let iconv: typeof import('iconv-lite') | undefined

/** Loaded late: most mail is UTF-8. */
function loadIconv(): typeof import('iconv-lite') {
  iconv ??= require('iconv-lite') as typeof import('iconv-lite')
  return iconv
}

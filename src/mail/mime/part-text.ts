// Collects the texts of a mail's parts as a reader sees them: one of plain text, one of the text of HTML.
// Decodes chunk by chunk, so that memory stays within the limit.

import { type CutText } from '../content'
import { htmlTextOf } from '../html-text'
import { otherReadings } from '../look-alikes'
import { calendarText } from './calendar'
import { charsetKey, isKnownCharset, isUtf7, namesNoCharset, textDecoding } from './charset'
import { decompressedRtf } from './compressed-rtf'
import { enrichedText } from './enriched'
import { RTF_BYTES } from './limits'
import { rtfText } from './rtf-text'
import { decodedChunks, type Encoding } from './transfer-encoding'
import { reversedRuns, VisibleText, visibleText } from './visible-text'

export type TextKind = 'plain' | 'html' | 'enriched' | 'calendar' | 'rtf'

/** One way to read the bytes of a part. */
export interface Reading {
  kind: TextKind
  encoding: Encoding
  charset: string
  /** The parameter `format=flowed`, RFC 3676. */
  flowed?: { delSp: boolean }
  /** The base in the part's fields, for the links of HTML that names none itself. */
  base?: string
}

/** HTML standard, section 13.2.3.2: browsers search the first 1,024 bytes, and go on while they parse. */
const META_BYTES = 65_536
/** Elements that name a charset: programs write one or two. */
const METAS = 20
const META = /<meta[\s/][^>]{0,1000}/gi
/** XML 1.0 section 4.3.3, at the beginning. */
const XML = /^\s{0,100}<\?xml\s[^>]{0,1000}?encoding\s*=\s*["']([a-z0-9_:.+-]{1,60})/i
const COMMENT = /<!--[\s\S]*?(?:-->|$)/g
const ASCII_ENTITY = /&#(?:x([0-9a-f]{1,6})|(\d{1,7}));?/gi
const META_CHARSET = /charset\s*=\s*["']?\s*([a-z0-9_:.+-]{1,60})/i

export class PartTexts {
  readonly #plain: Joined
  readonly #html: Joined
  #rtfBytes = RTF_BYTES

  constructor(limit: number) {
    this.#plain = new Joined(limit)
    this.#html = new Joined(limit)
  }

  /** @throws UnreadableError where the charset is unknown and counts */
  add(body: Buffer, reading: Reading): void {
    if (reading.kind === 'rtf') this.#addRtf(body, reading.encoding)
    else if (reading.kind === 'html')
      for (const one of htmlReadings(body, reading)) this.#html.add(room => readHtml(body, one, room))
    else this.#plain.add(room => readPlain(body, reading, room))
  }

  #addRtf(body: Buffer, encoding: Encoding): void {
    const most = this.#rtfBytes
    const { bytes, isCut } = boundedBytes(decodedChunks(body, encoding), most)
    const found = most === 0 ? undefined : decompressedRtf(bytes, most)
    const { rtf } = found ?? { rtf: bytes }
    this.#rtfBytes -= rtf.length
    if (isCut || found?.isCut) this.#plain.add(() => ({ text: '', isCut: true }))
    const { text, isHtml } = rtfText(rtf.toString('latin1'))
    this.add(Buffer.from(text), { kind: isHtml ? 'html' : 'plain', encoding: 'identity', charset: 'utf-8' })
  }

  end(): { texts: string[]; readings: string[]; isCut: boolean } {
    const both = [this.#plain.end(), this.#html.end()]
    const texts = both.map(({ text }) => text).filter(text => text !== '')
    const reversed = both.map(one => one.reversed ?? '').filter(text => text !== '')
    return {
      texts,
      readings: [...[...texts, ...reversed].flatMap(otherReadings), ...reversed],
      isCut: both.some(({ isCut }) => isCut),
    }
  }
}

/** Joins texts with a line end between them, up to a limit in UTF-16 units. */
class Joined {
  readonly #limit: number
  readonly #texts: string[] = []
  readonly #others: string[] = []
  #length = 0
  #isCut = false

  constructor(limit: number) {
    this.#limit = limit
  }

  add(read: (room: number) => CutText): void {
    const { text, isCut, reversed, shown } = read(Math.max(0, this.#limit - this.#length))
    this.#isCut ||= isCut
    if (reversed !== undefined) this.#others.push(reversed)
    if (shown !== undefined) this.#others.push(shown)
    if (text === '') return
    this.#texts.push(text)
    this.#length += text.length + 1
  }

  end(): CutText {
    const whole = this.#texts.join('\n')
    const reversed = this.#others.join('\n').slice(0, this.#limit)
    return {
      text: whole.slice(0, this.#limit),
      isCut: this.#isCut || whole.length > this.#limit,
      ...(reversed !== '' && { reversed }),
    }
  }
}

function readPlain(body: Buffer, reading: Reading, limit: number): CutText {
  const text = new VisibleText(limit)
  let reversed = ''
  const reverse = (raw: string) => {
    for (const run of reversedRuns(raw)) reversed += `${reversed === '' ? '' : '\n'}${visibleText(run)}`
  }
  if (reading.kind === 'plain' && !reading.flowed) {
    for (const chunk of decodedText(body, reading)) {
      text.write(chunk)
      reverse(chunk)
      if (text.isFull) break
    }
    return { ...text.end(), ...(reversed !== '' && { reversed }) }
  }
  // lines of these formats depend on each other, so the input is limited instead of the output
  const { raw, isCut } = readBounded(decodedText(body, reading), limit)
  text.write(joinedLines(raw, reading))
  const end = text.end()
  reverse(raw)
  return { text: end.text, isCut: end.isCut || isCut, ...(reversed !== '' && { reversed }) }
}

function joinedLines(raw: string, { kind, flowed }: Reading): string {
  if (flowed) return loadLibmime().decodeFlowed(raw, flowed.delSp)
  return kind === 'calendar' ? calendarText(raw) : enrichedText(raw)
}

/** Reads up to about twice the limit, as commands and line ends are removed afterwards. */
function readBounded(chunks: Iterable<string>, limit: number): { raw: string; isCut: boolean } {
  const most = 2 * limit + 1000
  let raw = ''
  for (const chunk of chunks) {
    raw += chunk
    if (raw.length > most) return { raw: raw.slice(0, most), isCut: true }
  }
  return { raw, isCut: false }
}

function boundedBytes(chunks: Iterable<Buffer>, most: number): { bytes: Buffer; isCut: boolean } {
  const pieces: Buffer[] = []
  let length = 0
  for (const chunk of chunks) {
    pieces.push(chunk)
    length += chunk.length
    if (length > most) return { bytes: Buffer.concat(pieces).subarray(0, most), isCut: true }
  }
  return { bytes: Buffer.concat(pieces), isCut: false }
}

/** By the charset of the part, and by that of the HTML if they differ: programs take the one or the other. */
function htmlReadings(body: Buffer, reading: Reading): Reading[] {
  if (charsetKey(reading.charset) === 'utf8') return [reading]
  const named = metaCharset(body, reading.encoding)
  if (namesNoCharset(reading.charset)) return [{ ...reading, charset: named }]
  const isSame = named === '' || charsetKey(named) === charsetKey(reading.charset)
  return isSame ? [reading] : [reading, { ...reading, charset: named }]
}

function readHtml(body: Buffer, reading: Reading, limit: number): CutText {
  return htmlTextOf(() => decodedText(body, reading), limit, reading.base)
}

/** The charset of the HTML's own `<meta>`. '': it names none. */
function metaCharset(body: Buffer, encoding: Encoding): string {
  let begin = ''
  for (const chunk of decodedChunks(body, encoding)) {
    begin += chunk.toString('latin1', 0, META_BYTES - begin.length)
    if (begin.length >= META_BYTES) break
  }
  const named = namedCharset(begin)
  // HTML standard, section 13.2.3.2: the bytes read so far show that it isn't UTF-16; browsers ignore UTF-7
  return /^utf-?16/i.test(named) || isUtf7(named) ? '' : named
}

function asciiOf(whole: string, hex: string | undefined, decimal: string | undefined): string {
  const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
  return code < 0x80 ? String.fromCharCode(code) : whole
}

/** Browsers pass over comments, and over a charset that they don't know. */
function namedCharset(html: string): string {
  const shown = html.includes('<!--') ? html.replace(COMMENT, '') : html
  let metas = 0
  for (const [meta] of shown.matchAll(META)) {
    const charset = META_CHARSET.exec(meta.replace(ASCII_ENTITY, asciiOf))?.[1]
    if (charset === undefined) continue
    if (isKnownCharset(charset)) return charset
    if (++metas === METAS) break
  }
  return XML.exec(html)?.[1] ?? ''
}

function* decodedText(body: Buffer, { encoding, charset }: Reading): Generator<string> {
  const decoding = textDecoding(charset)
  for (const chunk of decodedChunks(body, encoding)) yield decoding.write(chunk)
  yield decoding.end()
}

let libmime: typeof import('libmime') | undefined

function loadLibmime(): typeof import('libmime') {
  libmime ??= require('libmime') as typeof import('libmime')
  return libmime
}

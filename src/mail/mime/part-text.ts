// The texts of a mail's parts, as their readers see them: decoded chunk by chunk, so that memory stays bounded by the limit.
// Plain text and the text of HTML make one text each.

import { type CutText } from '../content'
import { htmlTextOf } from '../html-text'
import { isUnsaid, isUtf7, textDecoding } from './charset'
import { enrichedText } from './enriched'
import { SeenText } from './seen-text'
import { decodedChunks, type Encoding } from './transfer'

export type TextKind = 'plain' | 'html' | 'enriched'

/** One way to read the bytes of a part. */
export interface Reading {
  kind: TextKind
  encoding: Encoding
  charset: string
  /** RFC 3676. */
  flowed?: { delSp: boolean }
}

/** HTML standard, section 13.2.3.2: browsers look into the first 1,024 bytes, and go on looking as they parse. */
const META_BYTES = 65_536
const META = /<meta\s[^>]{0,1000}?charset\s*=\s*["']?\s*([a-z0-9_:.+-]{1,60})/i

export class PartTexts {
  readonly #plain: Joined
  readonly #html: Joined

  constructor(limit: number) {
    this.#plain = new Joined(limit)
    this.#html = new Joined(limit)
  }

  /** @throws UnreadableError */
  add(body: Buffer, reading: Reading): void {
    if (reading.kind === 'html') this.#html.add(room => readHtml(body, reading, room))
    else this.#plain.add(room => readPlain(body, reading, room))
  }

  end(): { texts: string[]; isCut: boolean } {
    const both = [this.#plain.end(), this.#html.end()]
    return {
      texts: both.map(({ text }) => text).filter(text => text !== ''),
      isCut: both.some(({ isCut }) => isCut),
    }
  }
}

/** Texts one below the other. */
class Joined {
  readonly #limit: number
  readonly #texts: string[] = []
  #length = 0
  #isCut = false

  constructor(limit: number) {
    this.#limit = limit
  }

  add(read: (room: number) => CutText): void {
    const { text, isCut } = read(Math.max(0, this.#limit - this.#length))
    this.#isCut ||= isCut
    if (text === '') return
    this.#texts.push(text)
    this.#length += text.length + 1
  }

  end(): CutText {
    const whole = this.#texts.join('\n')
    return { text: whole.slice(0, this.#limit), isCut: this.#isCut || whole.length > this.#limit }
  }
}

function readPlain(body: Buffer, reading: Reading, limit: number): CutText {
  const text = new SeenText(limit)
  if (reading.kind === 'plain' && !reading.flowed) {
    for (const chunk of decodedText(body, reading)) {
      text.write(chunk)
      if (text.isFull) break
    }
    return text.end()
  }
  // these are bounded by what they read, as their lines depend on each other
  const { raw, isCut } = readBounded(decodedText(body, reading), limit)
  text.write(reading.flowed ? loadLibmime().decodeFlowed(raw, reading.flowed.delSp) : enrichedText(raw))
  const end = text.end()
  return { text: end.text, isCut: end.isCut || isCut }
}

/** Twice the limit: commands and line ends go. */
function readBounded(chunks: Iterable<string>, limit: number): { raw: string; isCut: boolean } {
  const most = 2 * limit + 1000
  let raw = ''
  for (const chunk of chunks) {
    raw += chunk
    if (raw.length > most) return { raw: raw.slice(0, most), isCut: true }
  }
  return { raw, isCut: false }
}

function readHtml(body: Buffer, reading: Reading, limit: number): CutText {
  const charset = isUnsaid(reading.charset) ? metaCharset(body, reading.encoding) : reading.charset
  return htmlTextOf(() => decodedText(body, { ...reading, charset }), limit)
}

/** The charset that HTML names for itself; '' where it names none. */
function metaCharset(body: Buffer, encoding: Encoding): string {
  let begin = ''
  for (const chunk of decodedChunks(body, encoding)) {
    begin += chunk.toString('latin1', 0, META_BYTES - begin.length)
    if (begin.length >= META_BYTES) break
  }
  const named = META.exec(begin)?.[1] ?? ''
  // HTML standard, section 13.2.3.2: what could be read so far is no UTF-16; UTF-7 counts nowhere
  return /^utf-?16/i.test(named) || isUtf7(named) ? '' : named
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

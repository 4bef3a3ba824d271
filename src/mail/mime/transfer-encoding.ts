// Transfer encodings (RFC 2045 section 6): reads the field, decodes in chunks, and gives the decoded size.

import { DATA_LINE_LENGTH } from '../broken-lines'
import { Base64Decoder, base64Size } from './base64'
import { decodeWords } from './encoded-words'
import { withoutComments } from './parameters'
import { QuotedPrintableDecoder, quotedPrintableSize } from './quoted-printable'
import { uuBytes, uuSize } from './uuencode'

export type Encoding = 'identity' | 'base64' | 'quoted-printable' | 'uuencode' | 'unknown'

const CHUNK_BYTES = 65_536
const LF = 0x0a
const DOT = 0x2e
/** Haraka's line end and blank. */
const INSERTED = Buffer.from('\r\n ')
/** DATA_LINE_LENGTH includes the line end. */
const LINE_END_BYTES = 2
/** Encodings that few programs decode, so that a reader sees only the encoded characters. */
const UNKNOWN =
  /^(?:x-?)?(?:yenc|ybase|binhex|binhex40|mac-binhex40|gzip|gzip64|deflate|zip|compress|bzip2|ascii85|base85|base32|base16|hex)/

/** In a field with several words, each word that is an encoding counts: programs differ in the word that they use. */
export function encodingsOf(field: string): Encoding[] {
  const text = withoutComments(field.includes('=?') ? decodeWords(field) : field).toLowerCase()
  const first = encodingOf(text)
  const others = text
    .split(/[\s,;]+/)
    .map(encodingOf)
    .filter(one => one !== 'identity')
  return [...new Set([first, ...others])]
}

/** The encoding as programs read it: they ignore quotes and everything after the word. */
function encodingOf(text: string): Encoding {
  const word = text.replace(/["'\s<>]/g, '')
  if (/^(?:x-)?(?:base-?_?64|b64|b(?:$|[;,]))/.test(word)) return 'base64'
  if (/^(?:x-)?(?:quoted?-?_?print|qp(?:$|[;,])|q(?:$|[;,]))/.test(word)) return 'quoted-printable'
  if (/^(?:x-?)?uu(?:e|code|encode)?(?:$|[;,])/.test(word)) return 'uuencode'
  return UNKNOWN.test(word) ? 'unknown' : 'identity'
}

export function decodedSize(body: Buffer, encoding: Encoding): number {
  if (encoding === 'base64') return base64Size(body)
  if (encoding === 'uuencode') return uuSize(body)
  return encoding === 'quoted-printable' ? quotedPrintableSize(body) : body.length
}

export function* decodedChunks(body: Buffer, encoding: Encoding): Generator<Buffer> {
  if (encoding === 'base64') {
    const decoder = new Base64Decoder()
    for (const chunk of chunks(body)) yield decoder.write(chunk)
    yield decoder.end()
  } else if (encoding === 'quoted-printable') {
    const decoder = new QuotedPrintableDecoder()
    for (const chunk of whole(body)) yield decoder.write(chunk)
    yield decoder.end()
  } else if (encoding === 'uuencode') yield* uuBytes(body)
  else yield* whole(body)
}

export function decodedWhole(body: Buffer, encoding: Encoding): Buffer {
  return encoding === 'identity' ? body : Buffer.concat([...decodedChunks(body, encoding)])
}

function* chunks(body: Buffer): Generator<Buffer> {
  for (let at = 0; at < body.length; at += CHUNK_BYTES) yield body.subarray(at, at + CHUNK_BYTES)
}

/** The body in chunks, without the line end and blank that Haraka inserts into long lines. */
function* whole(body: Buffer): Generator<Buffer> {
  let from = 0
  for (let at = body.indexOf(INSERTED); at >= 0; at = body.indexOf(INSERTED, at + INSERTED.length)) {
    if (!isBrokenAfter(body, body.lastIndexOf(LF, at) + 1, at)) continue
    yield* chunks(body.subarray(from, at))
    from = at + INSERTED.length
  }
  yield* chunks(body.subarray(from))
}

/** SMTP doubles a dot at the beginning of a line (RFC 5321 section 4.5.2), so such a line is one byte shorter here. */
function isBrokenAfter(body: Buffer, lineAt: number, end: number): boolean {
  return end - lineAt === DATA_LINE_LENGTH - LINE_END_BYTES - (body[lineAt] === DOT ? 1 : 0)
}

// Decodes text in a part's fields: encoded words (RFC 2047), percent encoding (RFC 2231), and bytes without a charset.
// Takes linear time, and never throws. Callers limit the text's length.

import { base64Bytes } from './base64'
import { decodeBytes } from './charset'

/**
 * Charset, optional language (RFC 2231 section 5), encoding, text. Blanks in the text are wrong, but most programs
 * accept them.
 */
const ENCODED_WORD = /=\?([^?*\s]{1,60})(?:\*[^?\s]{0,60})?\?([bq])\?([^?]*)\?=/gi

/** `text`: bytes as Latin-1. Between two encoded words blanks don't count (RFC 2047 section 6.2). */
export function decodeWords(text: string): string {
  if (!text.includes('=?')) return fromLatin1(text)
  const parts: string[] = []
  let at = 0
  // the bytes of adjacent words are joined, as a character may be split between them
  let open: { charset: string; bytes: Buffer[] } | undefined
  const flush = () => {
    if (open) parts.push(decodeBytes(Buffer.concat(open.bytes), open.charset))
    open = undefined
  }
  for (const found of text.matchAll(ENCODED_WORD)) {
    const [whole, charset = '', coding = '', coded = ''] = found
    const between = text.slice(at, found.index)
    if (open === undefined || between.trim() !== '') {
      flush()
      parts.push(fromLatin1(between))
    }
    at = found.index + whole.length
    const bytes = coding.toLowerCase() === 'b' ? base64Bytes(coded) : wordBytes(coded)
    if (open && open.charset.toLowerCase() === charset.toLowerCase()) open.bytes.push(bytes)
    else {
      flush()
      open = { charset, bytes: [bytes] }
    }
  }
  flush()
  parts.push(fromLatin1(text.slice(at)))
  return parts.join('')
}

/** Whether the text consists of encoded words only. */
export function isAllEncoded(text: string): boolean {
  return text.replace(ENCODED_WORD, '').trim() === ''
}

export function fromLatin1(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return /^[\x00-\x1a\x1c-\x7f]*$/.test(text) ? text : decodeBytes(Buffer.from(text, 'latin1'), '')
}

/** Decodes the "Q" encoding, RFC 2047 section 4.2. */
function wordBytes(text: string): Buffer {
  return percentBytes(text.replaceAll('_', ' '), '=')
}

/** Decodes `%41` or `=41`, depending on the sign. */
export function percentBytes(text: string, sign: '%' | '='): Buffer {
  const pattern = sign === '%' ? /%([0-9a-f]{2})/gi : /=([0-9a-f]{2})/gi
  const decoded = text.replace(pattern, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  )
  return Buffer.from(decoded, 'latin1')
}

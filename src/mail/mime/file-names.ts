// All file names of a part. Where a part has several, mail programs differ in the one that they show.
// Reads plain names, RFC 2231 and RFC 2047, also one inside the other.

import { UnreadableError } from '../unreadable'
import { charsetKey, decodeBytes } from './charset'
import { decodeWords, fromLatin1, isAllEncoded, percentBytes } from './encoded-words'
import { NAME_CHARACTERS } from './limits'
import type { Parameter, ParameterField } from './parameters'
import { visibleText } from './visible-text'

/** Parameters of Content-Disposition and Content-Type. Some programs look for both in both fields. */
const NAMES = ['filename', 'name']
/** Characters that no program shows in a name though it shows them in a text: line ends and format characters. */
const INVISIBLE = /[\p{Cc}\p{Cf}]/gu

/**
 * `fields`: Content-Disposition and Content-Type; `plain`: other fields that may hold a name, as Latin-1.
 * The names without invisible characters. The first is the name that programs agree on if the part has only one.
 * @throws UnreadableError for a name of more than NAME_CHARACTERS
 */
export function fileNames(fields: readonly ParameterField[], plain: readonly string[]): string[] {
  const found = fields.flatMap(({ parameters }) => NAMES.flatMap(name => valuesOf(parameters, name)))
  return visibleNames([...found, ...plain.flatMap(readings)])
}

/** Names as programs show them, without empty ones. @throws UnreadableError for one of more than NAME_CHARACTERS */
export function visibleNames(written: readonly string[]): string[] {
  const names = [...new Set(written.flatMap(visibleForms))].filter(name => name !== '')
  if (names.some(name => name.length > NAME_CHARACTERS))
    throw new UnreadableError(`a file name has more than ${NAME_CHARACTERS} characters`)
  return names
}

/** Quotes other than those of RFC 5322, which some programs take off, and characters that Windows drops. */
const QUOTES = /^["'`<‘’“”]+|["'`>‘’“”]+$/g
const ENDS_QUOTED = /["'`>’”]$/

function visibleForms(written: string): string[] {
  const name = visibleName(written)
  return ENDS_QUOTED.test(name) ? [name, visibleName(name.replace(QUOTES, ''))] : [name]
}

/** The name as a program shows it. Windows drops blanks and dots at its end. */
function visibleName(name: string): string {
  const seen = visibleText(name).replace(INVISIBLE, '')
  let end = seen.length
  while (end > 0 && /[\s.]/.test(seen[end - 1] ?? '')) end--
  return seen.slice(0, end).trimStart()
}

/** All values of one parameter: plain ones, extended ones, and its continuations joined. */
function valuesOf(parameters: readonly Parameter[], name: string): string[] {
  const values: string[] = []
  const pieces: Piece[] = []
  for (const parameter of parameters) {
    if (parameter.name === name) values.push(...parameter.values.flatMap(readings))
    else if (parameter.name === `${name}*`) values.push(...parameter.values.flatMap(extended))
    else if (parameter.name.startsWith(`${name}*`)) pieces.push(...pieceOf(parameter, name))
  }
  return pieces.length === 0 ? values : [...values, joined(pieces), joined(pieces.toReversed())]
}

/** An encoded word without its end. */
const OPEN_WORD = /=\?[^?\s]{1,60}\?[bq]\?[^?]*\??$/i

/** The decoded value, as lenient programs decode it, too. If a part of it isn't in an encoded word, also the value as written. */
function readings(value: string): string[] {
  const all = [decodeWords(value)]
  if (value.includes('=?') && !isAllEncoded(value)) all.push(fromLatin1(value))
  if (OPEN_WORD.test(value)) all.push(decodeWords(`${value.replace(/\?$/, '')}?=`))
  if (/%[0-9a-f]{2}/i.test(value)) all.push(decodeBytes(percentBytes(value, '%'), ''))
  return all
}

/** RFC 2231 section 4: charset'language'text. Without the two quotes some programs use the whole value. */
function extended(value: string): string[] {
  const found = /^([^']*)'([^']*)'(.*)$/s.exec(value)
  if (!found) return [...new Set([decodeBytes(percentBytes(value, '%'), ''), ...readings(value)])]
  const [, charset = '', , text = ''] = found
  const decoded = decodeBytes(percentBytes(text, '%'), charset)
  return text.includes('=?') ? [decoded, ...readings(text)] : [decoded]
}

interface Piece {
  number: number
  isExtended: boolean
  text: string
}

/** A continuation, RFC 2231 section 3. Empty: it isn't one. */
function pieceOf({ name: key, values }: Parameter, name: string): Piece[] {
  const found = /^\*(\d{1,9})(\*?)$/.exec(key.slice(name.length))
  if (!found) return []
  return [{ number: Number(found[1]), isExtended: found[2] === '*', text: values[0] ?? '' }]
}

/** The continuations in the order of their numbers. Where two have one number, the first counts. */
function joined(pieces: readonly Piece[]): string {
  const byNumber = new Map<number, Piece>()
  for (const piece of pieces) if (!byNumber.has(piece.number)) byNumber.set(piece.number, piece)
  let charset = ''
  const bytes: Buffer[] = []
  let open = ''
  const flush = () => {
    if (open !== '') bytes.push(percentBytes(open, '%'))
    open = ''
  }
  for (const [at, piece] of [...byNumber.values()].toSorted((a, b) => a.number - b.number).entries()) {
    const { isExtended, text } = piece
    const head = at === 0 && isExtended ? /^([^']*)'[^']*'/.exec(text) : null
    if (head?.[1] !== undefined && charsetKey(head[1]) !== '') charset = head[1]
    const rest = head ? text.slice(head[0].length) : text
    // an encoded byte may be split between two pieces
    if (isExtended) open += rest
    else {
      flush()
      bytes.push(Buffer.from(rest, 'latin1'))
    }
  }
  flush()
  const whole = Buffer.concat(bytes)
  const isWords = charset === '' && whole.includes('=?')
  return isWords ? decodeWords(whole.toString('latin1')) : decodeBytes(whole, charset)
}

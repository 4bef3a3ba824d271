// The file names of a part, all of them: mail programs differ in which one they show where a part has several.
// Whatever the coding: plain, RFC 2231, RFC 2047, or one in the other.

import { UnreadableError } from '../unreadable'
import { charsetKey, decodeBytes } from './charset'
import { NAME_CHARACTERS } from './limits'
import type { Parameter, ParameterField } from './parameters'
import { seenText } from './seen-text'
import { decodeWords, fromLatin1, isAllEncoded, percentBytes } from './words'

/** Of Content-Disposition and Content-Type, in either of which some programs look for either. */
const NAMES = ['filename', 'name']
/** What else no program shows in a name: line ends, and marks that a text may have. */
const UNSEEN = /[\p{Cc}\p{Cf}]/gu

/** Without what no program shows; the first is the one that programs agree on where a field has only one. */
export function fileNames(fields: readonly ParameterField[], plain: readonly string[]): string[] {
  const found = fields.flatMap(({ parameters }) => NAMES.flatMap(name => valuesOf(parameters, name)))
  const names = [...new Set([...found, ...plain.flatMap(readings)].map(shownName))].filter(
    name => name !== '',
  )
  if (names.some(name => name.length > NAME_CHARACTERS))
    throw new UnreadableError(`a file name has more than ${NAME_CHARACTERS} characters`)
  return names
}

/** Windows drops blanks and dots at the end of a name. */
function shownName(name: string): string {
  const seen = seenText(name).replace(UNSEEN, '')
  let end = seen.length
  while (end > 0 && /[\s.]/.test(seen[end - 1] ?? '')) end--
  return seen.slice(0, end).trimStart()
}

/** Of one parameter: its plain values, its extended ones, and its continuations put together. */
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

/** Decoded; where a part of it stands outside of encoded words, as it stands, too. */
function readings(value: string): string[] {
  const decoded = decodeWords(value)
  return value.includes('=?') && !isAllEncoded(value) ? [decoded, fromLatin1(value)] : [decoded]
}

/** RFC 2231 section 4: charset'language'text. Without the two quotes some take it as it is. */
function extended(value: string): string[] {
  const found = /^([^']*)'([^']*)'(.*)$/s.exec(value)
  if (!found) return [...new Set([decodeBytes(percentBytes(value, '%'), ''), ...readings(value)])]
  const [, charset = '', , text = ''] = found
  const decoded = decodeBytes(percentBytes(text, '%'), charset)
  return text.includes('=?') ? [decoded, ...readings(text)] : [decoded]
}

interface Piece {
  place: number
  isExtended: boolean
  text: string
}

/** RFC 2231 section 3. */
function pieceOf({ name: key, values }: Parameter, name: string): Piece[] {
  const found = /^\*(\d{1,4})(\*?)$/.exec(key.slice(name.length))
  if (!found) return []
  return [{ place: Number(found[1]), isExtended: found[2] === '*', text: values[0] ?? '' }]
}

/** Of pieces with one number the first counts. */
function joined(pieces: readonly Piece[]): string {
  const byPlace = new Map<number, Piece>()
  for (const piece of pieces) if (!byPlace.has(piece.place)) byPlace.set(piece.place, piece)
  let charset = ''
  const bytes: Buffer[] = []
  for (const { isExtended, text } of [...byPlace.values()].toSorted((a, b) => a.place - b.place)) {
    const head = bytes.length === 0 && isExtended ? /^([^']*)'[^']*'/.exec(text) : null
    if (head?.[1] !== undefined && charsetKey(head[1]) !== '') charset = head[1]
    const rest = head ? text.slice(head[0].length) : text
    bytes.push(isExtended ? percentBytes(rest, '%') : Buffer.from(rest, 'latin1'))
  }
  const whole = Buffer.concat(bytes)
  const isWords = charset === '' && whole.includes('=?')
  return isWords ? decodeWords(whole.toString('latin1')) : decodeBytes(whole, charset)
}

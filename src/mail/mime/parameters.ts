// Reads a field with parameters, such as Content-Type, in every way in which mail programs read it. A parameter that is
// written twice, without semicolons or quotes, in continuations (RFC 2231) or in encoded words has all its values.
// Takes linear time. Throws only for a field with more than PARAMETERS parameters.

import { UnreadableError } from '../unreadable'
import { PARAMETERS } from './limits'

export interface Parameter {
  /** Lower case, as written: `filename`, `filename*`, `filename*0*`. */
  name: string
  /** Bytes as Latin-1. The first is the strict reading. */
  values: readonly string[]
}

export interface ParameterField {
  /** The word before the parameters in lower case, without comments and quotes. '': there is none. */
  value: string
  parameters: readonly Parameter[]
}

const SEPARATOR = /[\s;,]/
const BLANK = /[ \t\n]/
/** Longest value without quotes that may hold blanks: no program shows a longer name. */
const LOOSE_CHARACTERS = 1000

/** `text`: unfolded, with \n where a line ended. */
export function parseField(text: string): ParameterField {
  const bare = withoutComments(text)
  const own = parseBare(bare)
  if (bare === text) return own
  // parentheses may also be part of a name: `copy(1).exe`
  return { value: own.value, parameters: [...own.parameters, ...parseBare(text).parameters] }
}

function parseBare(text: string): ParameterField {
  const word = /^[\s;,]*("[^"]*"|"?[^\s;,"=/]*(?:\s*\/\s*[^\s;,"=]*)?)(?![^\s;,"=/]|\s*=)/.exec(text)
  const value = (word?.[1] ?? '').replace(/["'<>\s]+/g, '').toLowerCase()
  return { value, parameters: parseParameters(text, word?.[0].length ?? 0) }
}

function parseParameters(text: string, from: number): Parameter[] {
  const found: Parameter[] = []
  let at = from
  while (at < text.length) {
    if (SEPARATOR.test(text[at] ?? '')) {
      at++
      continue
    }
    const nameAt = at
    while (at < text.length && !/[\s;,="]/.test(text[at] ?? '')) at++
    const name = text.slice(nameAt, at).toLowerCase()
    // some programs look for `filename` also within quotes
    let equals = text[at] === '"' && name !== '' ? at + 1 : at
    while (BLANK.test(text[equals] ?? '')) equals++
    if (text[equals] !== '=') {
      // a word that isn't a parameter, or a stray quote
      at = Math.max(at, nameAt + 1)
      continue
    }
    at = equals + 1
    while (BLANK.test(text[at] ?? '')) at++
    const { values, next } = readValue(text, at)
    at = next
    if (found.length >= PARAMETERS)
      throw new UnreadableError(`a field of a part has more than ${PARAMETERS} parameters`)
    found.push({ name, values })
  }
  return found
}

function readValue(text: string, at: number): { values: string[]; next: number } {
  if (text[at] === '"') {
    const quoted = readQuoted(text, at)
    const rest = wordFrom(text, quoted.next)
    // `"a.txt".exe`
    const values = [...unfolded(quoted.text), ...unfolded(quoted.text + rest)]
    return { values: distinct(...values), next: quoted.next + rest.length }
  }
  const word = wordFrom(text, at)
  const end = text.indexOf(';', at)
  const loose = text.slice(at, Math.min(end < 0 ? text.length : end, at + LOOSE_CHARACTERS)).trim()
  return { values: distinct(word, ...unfolded(loose)), next: at + word.length }
}

/** Unfolds by RFC 5322 section 2.2.3, and as programs do that read the blank as a part of the fold. */
function unfolded(text: string): string[] {
  return text.includes('\n') ? [text.replaceAll('\n', ''), text.replace(/\n[ \t]*/g, '')] : [text]
}

/** RFC 5322 section 3.2.4. Without a closing quote it ends with the field; some programs end it at the semicolon. */
function readQuoted(text: string, from: number): { text: string; next: number } {
  let at = from + 1
  const pieces: string[] = []
  let pieceAt = at
  while (at < text.length && text[at] !== '"') {
    if (text[at] === '\\' && at + 1 < text.length) {
      pieces.push(text.slice(pieceAt, at))
      pieceAt = at + 1
      at += 2
    } else at++
  }
  pieces.push(text.slice(pieceAt, at))
  return { text: pieces.join(''), next: Math.min(at + 1, text.length) }
}

function wordFrom(text: string, from: number): string {
  let at = from
  while (at < text.length && !SEPARATOR.test(text[at] ?? '')) at++
  return text.slice(from, at)
}

/** Removes comments outside of quotes (RFC 5322 section 3.2.2). A parenthesis without its end doesn't begin one. */
export function withoutComments(text: string): string {
  if (!text.includes('(')) return text
  const kept: string[] = []
  let isQuoted = false
  let depth = 0
  let keptFrom = 0
  let commentAt = 0
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === '\\') at++
    else if (character === '"' && depth === 0) isQuoted = !isQuoted
    else if (character === '(' && !isQuoted) {
      if (depth === 0) commentAt = at
      depth++
    } else if (character === ')' && depth > 0) {
      depth--
      if (depth > 0) continue
      kept.push(text.slice(keptFrom, commentAt))
      keptFrom = at + 1
    }
  }
  return kept.join(' ') + (kept.length > 0 ? ' ' : '') + text.slice(keptFrom)
}

function distinct(...values: string[]): string[] {
  return [...new Set(values)]
}

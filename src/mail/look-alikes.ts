// A text as its reader takes it: patterns are compared with the text as it is and with this form of it.
// Invisible characters are left out, blanks are spaces, characters that look like ASCII are ASCII: full-width, bold and
// circled letters, ligatures, small capitals, and letters of other scripts. Linear, and never throws.

import { composed } from './composed'
import { LOOK_ALIKES } from './look-alike-table'
import { reversedRuns, visibleText } from './mime/visible-text'
import {
  ALPHABETS,
  HAS_CR,
  HAS_INVISIBLE,
  HAS_LOOK_ALIKE,
  HAS_MARK,
  LETTERS,
  MARK,
  traitsOf,
  traitTable,
} from './traits'

/** A shorter text is tested by an expression: a pass over its units would cost more. */
const SHORT = 100
const NOT_ASCII = /[^\t\n\x20-\x7e]/
const CAPITAL_A = 0x41
const MARKS = new RegExp(`([!-~])${MARK.source}+`, 'g')

/** How the reader of a text takes it, where that differs from the text itself. */
export function otherReadings(text: string): readonly string[] {
  if (text.length < SHORT && !NOT_ASCII.test(text)) return []
  const traits = traitsOf(text)
  if (traits === 0) return []
  const own = composed(text)
  const plain = readAsAscii((traits & (HAS_INVISIBLE | HAS_CR)) === 0 ? own : composed(visibleText(text)))
  const forms = plain === text || plain === own ? [] : [plain]
  return [...forms, ...reversedRuns(text).map(withoutLookAlikes)]
}

/** Applied twice it changes nothing more. */
export function withoutLookAlikes(text: string): string {
  return NOT_ASCII.test(text) ? readAsAscii(composed(visibleText(text))) : text
}

/** `text`: visible and composed. */
function readAsAscii(text: string): string {
  const traits = traitsOf(text)
  if (traits === 0) return text
  const ascii = (traits & HAS_LOOK_ALIKE) === 0 ? text : replaced(text)
  // a letter that was replaced may make one with an accent behind another mark
  return composed((traits & HAS_MARK) === 0 ? ascii : ascii.replace(MARKS, '$1'))
}

function replaced(text: string): string {
  const traits = traitTable()
  const parts: string[] = []
  let kept = 0
  for (let at = 0; at < text.length; at++) {
    if (((traits[text.charCodeAt(at)] as number) & HAS_LOOK_ALIKE) === 0) continue
    const character = String.fromCodePoint(text.codePointAt(at) ?? 0)
    const ascii = asciiOf(character)
    if (ascii === character) continue
    parts.push(text.slice(kept, at), ascii)
    at += character.length - 1
    kept = at + 1
  }
  parts.push(text.slice(kept))
  return parts.join('')
}

let made: Map<string, string> | undefined

function asciiOf(character: string): string {
  made ??= asciiTable()
  const known = made.get(character)
  if (known !== undefined) return known
  const table = made
  const found = Array.from(character.normalize('NFKC'), one => table.get(one) ?? one).join('')
  // `*` and `?` have a meaning in patterns
  const kept = /^[\x20-\x7e]+$/.test(found) && !/[*?]/.test(found) ? found : character
  made.set(character, kept)
  return kept
}

function asciiTable(): Map<string, string> {
  const ascii = new Map<string, string>()
  for (const [letter, others] of Object.entries(LOOK_ALIKES)) for (const one of others) ascii.set(one, letter)
  for (const first of ALPHABETS) {
    for (let at = 0; at < LETTERS; at++)
      ascii.set(String.fromCodePoint(first + at), String.fromCharCode(CAPITAL_A + at))
  }
  return ascii
}

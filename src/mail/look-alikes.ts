// A text as its reader takes it: patterns are compared with the text as it is and with this form of it.
// Invisible characters are left out, blanks are spaces, characters that look like ASCII are ASCII: full-width, bold and
// circled letters, ligatures, small capitals, and letters of other scripts. Linear, and never throws.

import { composed } from './composed'
import { LOOK_ALIKES } from './look-alike-table'
import { mayBeInvisible, reversedRuns, visibleText } from './mime/visible-text'

const NOT_ASCII = /[^\t\n\x20-\x7e]/
/** Code points that NFKC changes to printable ASCII (Unicode 15), and mathematical Greek. */
const COMPATIBLE =
  'aa b2-b3 b9-ba bc-be 132-133 17f 1c7-1cc 1f1-1f3 2b0 2b2-2b3 2b7-2b8 2e1-2e3 37e 1d2c 1d2e 1d30-1d31 1d33-1d3a 1d3c 1d3e-1d43 1d47-1d49 1d4d 1d4f-1d50 1d52 1d56-1d58 1d5b 1d62-1d65 1d9c 1da0 1dbb 1fef 2024-2026 203c 2047-2049 2070-2071 2074-207a 207c-208a 208c-208e 2090-2093 2095-209c 20a8 2100-2102 2105-2106 210a-210e 2110-2113 2115-2116 2119-211d 2120-2122 2124 2128 212a 212c-212d 212f-2131 2133-2134 2139 213b 2145-2149 2150-217f 2189 2460-24ea 2a74-2a76 2c7c-2c7d 3250-325f 32b1-32bf 32cc-32cf 3371-33ff a7f1-a7f4 fb00-fb06 fb29 fe10-fe19 fe30-fe6b ff01-ff5e 107a5 1ccd6-1ccf9 1d400-1d7ff 1f100-1f14f 1f16a-1f16c 1f190 1fbf0-1fbf9'
/** First and last of 26 letters each that NFKC leaves alone: in black circles, in black squares, and for flags. */
const ALPHABETS: readonly number[] = [0x1f150, 0x1f170, 0x1f1e6]
const LETTERS = 26
const CAPITAL_A = 0x41
/** Marks that stay behind an ASCII letter in the composed form belong to no language's spelling: lines, dots, strokes. */
// oxlint-disable-next-line no-misleading-character-class
const MARK = /[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]/
const MARKS = new RegExp(`([!-~])${MARK.source}+`, 'g')

/** Flags of a UTF-16 unit that may begin a character that is left out, one that is replaced, or a mark. */
const [INVISIBLE, LOOKS_LIKE, IS_MARK] = [1, 2, 4]

/** How the reader of a text takes it, where that differs from the text itself. */
export function otherReadings(text: string): readonly string[] {
  if (!NOT_ASCII.test(text)) return []
  const flags = flagsIn(text)
  if (flags === 0) return []
  const own = composed(text)
  const plain = readAsAscii((flags & INVISIBLE) === 0 ? own : composed(visibleText(text)))
  const forms = plain === text || plain === own ? [] : [plain]
  return [...forms, ...reversedRuns(text).map(withoutLookAlikes)]
}

/** Applied twice it changes nothing more. */
export function withoutLookAlikes(text: string): string {
  return NOT_ASCII.test(text) ? readAsAscii(composed(visibleText(text))) : text
}

/** `text`: visible and composed. */
function readAsAscii(text: string): string {
  const flags = flagsIn(text)
  if (flags === 0) return text
  const ascii = (flags & LOOKS_LIKE) === 0 ? text : replaced(text)
  // a letter that was replaced may make one with an accent behind another mark
  return composed((flags & IS_MARK) === 0 ? ascii : ascii.replace(MARKS, '$1'))
}

/** The flags of all characters together. 0: the text has only one reading, as most have. */
function flagsIn(text: string): number {
  const { flags } = asciiTable()
  let all = 0
  for (let at = 0; at < text.length; at++) all |= flags[text.charCodeAt(at)] as number
  return all
}

function replaced(text: string): string {
  const { flags, asciiOf } = asciiTable()
  const parts: string[] = []
  let kept = 0
  for (let at = 0; at < text.length; at++) {
    if (((flags[text.charCodeAt(at)] as number) & LOOKS_LIKE) === 0) continue
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

interface Table {
  /** By UTF-16 unit. */
  flags: Uint8Array
  asciiOf: (character: string) => string
}

let made: Table | undefined

/** Made at first use: many mails are ASCII. */
function asciiTable(): Table {
  if (made) return made
  const ascii = new Map<string, string>()
  for (const [letter, others] of Object.entries(LOOK_ALIKES)) for (const one of others) ascii.set(one, letter)
  for (const first of ALPHABETS) {
    for (let at = 0; at < LETTERS; at++)
      ascii.set(String.fromCodePoint(first + at), String.fromCharCode(CAPITAL_A + at))
  }
  const flags = new Uint8Array(0x10000)
  const setFlag = (unit: number, flag: number) => {
    flags[unit] = (flags[unit] ?? 0) | flag
  }
  const flag = (first: number, last: number) => {
    for (let point = first; point <= last; point++)
      setFlag(String.fromCodePoint(point).charCodeAt(0), LOOKS_LIKE)
  }
  for (const range of COMPATIBLE.split(' ')) {
    const [first = 0, last = first] = range.split('-').map(point => Number.parseInt(point, 16))
    flag(first, last)
  }
  for (const one of ascii.keys()) flag(one.codePointAt(0) ?? 0, one.codePointAt(0) ?? 0)
  for (let unit = 0; unit < 0x10000; unit++) {
    const character = String.fromCharCode(unit)
    if (MARK.test(character)) setFlag(unit, IS_MARK)
    if (mayBeInvisible(character)) setFlag(unit, INVISIBLE)
  }
  const asciiOf = (character: string): string => {
    const known = ascii.get(character)
    if (known !== undefined) return known
    const found = Array.from(character.normalize('NFKC'), one => ascii.get(one) ?? one).join('')
    // `*` and `?` have a meaning in patterns
    const kept = /^[\x20-\x7e]+$/.test(found) && !/[*?]/.test(found) ? found : character
    ascii.set(character, kept)
    return kept
  }
  made = { flags, asciiOf }
  return made
}

// Traits of a text's characters, found in one pass over it: each step for characters that it lacks is left out.

import { LOOK_ALIKES } from './look-alike-table'
import { PIECE_UNITS, unitsOf } from './text-units'

/** A carriage return. */
export const HAS_CR = 1
/** A character that is left out, or shown as a space or line end (mime/visible-text.ts). */
export const HAS_INVISIBLE = 2
/** A character that may look like ASCII (look-alikes.ts). */
export const HAS_LOOK_ALIKE = 4
/** A mark on a letter that belongs to no language's spelling. */
export const HAS_MARK = 8

/**
 * All UTF-16 units but those of characters that a reader sees as they are, which most texts consist of. The surrogates left
 * out begin the ignorable code points beyond U+FFFF.
 */
export const MAY_BE_INVISIBLE =
  // oxlint-disable-next-line no-control-regex, no-misleading-character-class
  /[^\t\n\x20-\x7e\xa1-\xac\xae-\u034e\u0350-\u061b\u061d-\u115e\u1161-\u167f\u1681-\u17b3\u17b6-\u180a\u1810-\u1fff\u2010-\u2027\u2030-\u205e\u2070-\u27ff\u2801-\u2fff\u3001-\u3163\u3165-\ud82e\ud830-\ud833\ud835-\udb3f\udb44-\ufdff\ufe10-\ufefe\uff00-\uff9f\uffa1-\uffef]/
/** Code points that NFKC changes to printable ASCII (Unicode 15), and mathematical Greek. */
const COMPATIBLE =
  'aa b2-b3 b9-ba bc-be 132-133 17f 1c7-1cc 1f1-1f3 2b0 2b2-2b3 2b7-2b8 2e1-2e3 37e 1d2c 1d2e 1d30-1d31 1d33-1d3a 1d3c 1d3e-1d43 1d47-1d49 1d4d 1d4f-1d50 1d52 1d56-1d58 1d5b 1d62-1d65 1d9c 1da0 1dbb 1fef 2024-2026 203c 2047-2049 2070-2071 2074-207a 207c-208a 208c-208e 2090-2093 2095-209c 20a8 2100-2102 2105-2106 210a-210e 2110-2113 2115-2116 2119-211d 2120-2122 2124 2128 212a 212c-212d 212f-2131 2133-2134 2139 213b 2145-2149 2150-217f 2189 2460-24ea 2a74-2a76 2c7c-2c7d 3250-325f 32b1-32bf 32cc-32cf 3371-33ff a7f1-a7f4 fb00-fb06 fb29 fe10-fe19 fe30-fe6b ff01-ff5e 107a5 1ccd6-1ccf9 1d400-1d7ff 1f100-1f14f 1f16a-1f16c 1f190 1fbf0-1fbf9'
/** First of 26 letters each that NFKC leaves alone: in black circles, in black squares, and for flags. */
export const ALPHABETS: readonly number[] = [0x1f150, 0x1f170, 0x1f1e6]
export const LETTERS = 26
/** Marks that stay behind an ASCII letter in the composed form belong to no language's spelling: lines, dots, strokes. */
export const MARK =
  // oxlint-disable-next-line no-misleading-character-class
  /[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]/

/** False: a reader sees the text as it is, but for line ends with a carriage return. */
export function mayBeInvisible(text: string): boolean {
  return MAY_BE_INVISIBLE.test(text)
}

/** The traits of a text together; of its characters beyond U+FFFF, those of their first units. 0: it has none of them. */
export function traitsOf(text: string): number {
  const traits = traitTable()
  let all = 0
  for (let from = 0; from < text.length; from += PIECE_UNITS) {
    const to = Math.min(from + PIECE_UNITS, text.length)
    const units = unitsOf(text, from, to)
    for (let at = 0; at < to - from; at++) all |= traits[units[at] as number] as number
  }
  return all
}

let made: Uint8Array | undefined

/** By UTF-16 unit. Made at first use: many processes read no text. */
export function traitTable(): Uint8Array {
  if (made !== undefined) return made
  const traits = new Uint8Array(0x10000)
  const add = (unit: number, trait: number) => {
    traits[unit] = (traits[unit] ?? 0) | trait
  }
  const looksLikeAscii = (first: number, last: number) => {
    for (let point = first; point <= last; point++)
      add(String.fromCodePoint(point).charCodeAt(0), HAS_LOOK_ALIKE)
  }
  for (const range of COMPATIBLE.split(' ')) {
    const [first = 0, last = first] = range.split('-').map(point => Number.parseInt(point, 16))
    looksLikeAscii(first, last)
  }
  for (const first of ALPHABETS) looksLikeAscii(first, first + LETTERS - 1)
  for (const others of Object.values(LOOK_ALIKES))
    for (const one of others) looksLikeAscii(one.codePointAt(0) ?? 0, one.codePointAt(0) ?? 0)
  for (let unit = 0; unit < 0x10000; unit++) {
    const character = String.fromCharCode(unit)
    if (character === '\r') add(unit, HAS_CR)
    else if (MAY_BE_INVISIBLE.test(character)) add(unit, HAS_INVISIBLE)
    if (MARK.test(character)) add(unit, HAS_MARK)
  }
  made = traits
  return traits
}

// A `\b` in an expression that can't hold where its author means it to: it knows ASCII letters only, so that it finds no
// border between a blank and a letter such as Ü. Pure.

import type { Item } from '../config/items'

/** A backslash that stands for itself doesn't make the letter behind it a sign. Groups may open or close in between. */
const BESIDE = /(?<!\\)(?:\\\\)*\\b(?:\((?:\?[:i-]*)?)*[^\0-\x7f]|[^\0-\x7f]\)*\\b/

/** In words for a diagnostic; undefined: there is none. */
export function warnOfBoundary({ form, text }: Item): string | undefined {
  if (form !== 'regex' || !BESIDE.test(text)) return undefined
  return String.raw`\b in /${text}/ knows ASCII letters only, and finds no border of a word beside another letter; take (?:^|\PL) and (?:\PL|$), or leave it out`
}

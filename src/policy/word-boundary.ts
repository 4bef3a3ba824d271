// Finds a `\b` next to a letter such as Ü. `\b` knows only ASCII letters, so it finds no word boundary there.

import type { Item } from '../config/items'

/** `\b` not after another backslash, and a character beyond ASCII next to it; groups may open or close in between. */
const BESIDE = /(?<!\\)(?:\\\\)*\\b(?:\((?:\?[:i-]*)?)*[^\0-\x7f]|[^\0-\x7f]\)*\\b/

/** The text of a warning. Undefined: no such `\b`. */
export function warnOfBoundary({ form, text }: Item): string | undefined {
  if (form !== 'regex' || !BESIDE.test(text)) return undefined
  return String.raw`\b in /${text}/ knows only ASCII letters, so it finds no word boundary next to other letters; use (?:^|\PL) and (?:\PL|$), or leave it out`
}

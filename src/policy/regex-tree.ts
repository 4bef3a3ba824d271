// The syntax tree of a regular expression, for facts about its matches that are known before a text is searched.
// The library parses and simplifies it, so it is the tree that is searched for. Reading it throws only for a faulty expression.

import { loadRe2js } from './regex-pass'

export type RegexTree =
  /** Characters in sequence. `ignoresCase`: each also in its other cases. */
  | { kind: 'literal'; points: readonly number[]; ignoresCase: boolean }
  /** One character. `ranges`: first and last code point of each range, ascending; other cases are among them. */
  | { kind: 'class'; ranges: readonly number[] }
  /** A place in the text, without characters: its end, a word boundary. */
  | { kind: 'place' }
  | { kind: 'nothing' }
  | { kind: 'sequence' | 'choice'; parts: readonly RegexTree[] }
  /** `most`: undefined is any number. */
  | { kind: 'repeat'; part: RegexTree; least: 0 | 1; most: 1 | undefined }
  /** Nothing is known about it. */
  | { kind: 'unknown' }

/** The library's own tree. It is not part of its types, so all of it may be missing. */
interface LibraryTree {
  constructor: { Op?: Readonly<Record<string, number>> }
  op?: number
  flags?: number
  runes?: Iterable<number>
  subs?: readonly LibraryTree[]
}

/** RE2's parse flag (re2js: RE2Flags.FOLD_CASE). */
const FOLD_CASE = 1
const LAST_POINT = 0x10ffff
const LINE_FEED = 10

/** `source`: as it is searched for, with `(?i)` where case doesn't count. */
export function regexTree(source: string): RegexTree {
  const { RE2JS, RE2Set } = loadRe2js()
  // as in regexSet
  const set = new RE2Set(RE2Set.UNANCHORED, RE2JS.DOTALL) as InstanceType<typeof RE2Set> & {
    regexps?: readonly LibraryTree[]
  }
  set.add(source)
  const tree = set.regexps?.[0]
  return tree === undefined ? { kind: 'unknown' } : read(tree)
}

function read(tree: LibraryTree): RegexTree {
  const { Op: ops } = tree.constructor
  const subs = tree.subs ?? []
  const parts = () => subs.map(read)
  const repeat = (least: 0 | 1, most: 1 | undefined): RegexTree => {
    const part = subs[0]
    return part === undefined ? { kind: 'unknown' } : { kind: 'repeat', part: read(part), least, most }
  }
  if (ops === undefined || tree.op === undefined) return { kind: 'unknown' }
  switch (tree.op) {
    case ops['NO_MATCH']:
      return { kind: 'nothing' }
    case ops['LITERAL']: {
      const ignoresCase = ((tree.flags ?? 0) & FOLD_CASE) !== 0
      return { kind: 'literal', points: [...(tree.runes ?? [])], ignoresCase }
    }
    case ops['CHAR_CLASS']:
      return { kind: 'class', ranges: [...(tree.runes ?? [])] }
    case ops['ANY_CHAR']:
      return { kind: 'class', ranges: [0, LAST_POINT] }
    case ops['ANY_CHAR_NOT_NL']:
      return { kind: 'class', ranges: [0, LINE_FEED - 1, LINE_FEED + 1, LAST_POINT] }
    case ops['EMPTY_MATCH']:
      return { kind: 'sequence', parts: [] }
    case ops['BEGIN_LINE']:
    case ops['END_LINE']:
    case ops['BEGIN_TEXT']:
    case ops['END_TEXT']:
    case ops['WORD_BOUNDARY']:
    case ops['NO_WORD_BOUNDARY']:
      return { kind: 'place' }
    case ops['CAPTURE']:
    case ops['CONCAT']:
      return { kind: 'sequence', parts: parts() }
    case ops['ALTERNATE']:
      return { kind: 'choice', parts: parts() }
    case ops['STAR']:
      return repeat(0, undefined)
    case ops['PLUS']:
      return repeat(1, undefined)
    case ops['QUEST']:
      return repeat(0, 1)
    default:
      return { kind: 'unknown' }
  }
}

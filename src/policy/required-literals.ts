// Finds literals without which a pattern can't match, so that most patterns need not be tried. Pure.
// It may find too few, never one that a matching text lacks.

import { literalForm } from './literal-finder'
import type { RegexTree } from './regex-tree'

/** The folded text must have one literal of each clause. Empty: the pattern can match any text. */
export type RequiredLiterals = readonly (readonly string[])[]

const MOST_CHOICES = 16
/** Letters with their other cases, and typical classes such as `[-_ ]`; digits would make too many literals. */
const MOST_IN_CLASS = 4
/** The end of a longer literal is enough to tell texts apart. */
const LITERAL_UNITS = 16

export function literalsOfGlob(foldedPattern: string): RequiredLiterals {
  return best(foldedPattern.split(/[*?]/).map(part => [part]))
}

export function literalsOfRegex(tree: RegexTree): RequiredLiterals {
  return best(clausesOf(infoOf(tree)))
}

/** Facts about a part of an expression. */
interface Info {
  /** All texts that the part can match, in the finder's form. Undefined: too many; then the clauses hold. */
  exact: readonly string[] | undefined
  clauses: RequiredLiterals
}

const ANY: Info = { exact: undefined, clauses: [] }

function infoOf(tree: RegexTree): Info {
  switch (tree.kind) {
    case 'literal':
      return inSequence(tree.points.map(point => (isAscii(point) ? exactly([finderForm(point)]) : ANY)))
    case 'class':
      return ofClass(tree.ranges)
    case 'place':
      return exactly([''])
    case 'sequence':
      return inSequence(tree.parts.map(infoOf))
    case 'choice':
      return ofChoice(tree.parts.map(infoOf))
    case 'repeat':
      return ofRepeat(infoOf(tree.part), tree)
    case 'nothing':
    case 'unknown':
      return ANY
  }
}

function exactly(exact: readonly string[]): Info {
  return { exact, clauses: [] }
}

function ofClass(ranges: readonly number[]): Info {
  const forms = new Set<string>()
  for (let at = 0; at < ranges.length; at += 2) {
    const [first = 0, last = 0] = [ranges[at], ranges[at + 1]]
    if (last - first >= MOST_IN_CLASS) return ANY
    for (let point = first; point <= last; point++) {
      const form = finderForm(point)
      if (form.length !== 1 || !isAscii(form.charCodeAt(0))) return ANY
      forms.add(form)
    }
  }
  return forms.size > MOST_IN_CLASS ? ANY : exactly([...forms])
}

/** The exact texts of adjoining parts are joined, until a part can match too many. */
function inSequence(parts: readonly Info[]): Info {
  const clauses: (readonly string[])[] = []
  let run: readonly string[] = ['']
  let isWhole = true
  for (const { exact, clauses: more } of parts) {
    if (exact !== undefined && run.length * exact.length <= MOST_CHOICES) {
      run = distinct(run.flatMap(start => exact.map(end => start + end)))
      continue
    }
    isWhole = false
    clauses.push(run, ...more)
    run = exact ?? ['']
  }
  return isWhole ? exactly(run) : { exact: undefined, clauses: [...clauses, run] }
}

function ofChoice(parts: readonly Info[]): Info {
  const exact = parts.flatMap(part => part.exact ?? [])
  if (parts.every(part => part.exact !== undefined) && exact.length <= MOST_CHOICES)
    return exactly(distinct(exact))
  const bests = parts.map(part => best(clausesOf(part))[0])
  if (bests.includes(undefined)) return ANY
  const clause = distinct(bests.flatMap(one => one ?? []))
  return clause.length > MOST_CHOICES ? ANY : { exact: undefined, clauses: [clause] }
}

function ofRepeat(part: Info, { least, most }: { least: 0 | 1; most: 1 | undefined }): Info {
  if (least === 0) {
    return most === 1 && part.exact !== undefined ? exactly(distinct(['', ...part.exact])) : ANY
  }
  return { exact: undefined, clauses: clausesOf(part) }
}

function clausesOf({ exact, clauses }: Info): RequiredLiterals {
  return exact === undefined ? clauses : [...clauses, exact]
}

/** The clauses that the fewest texts meet. */
function best(clauses: RequiredLiterals): RequiredLiterals {
  const usable = clauses
    .filter(clause => clause.length > 0 && clause.every(text => text !== ''))
    .map(clause => distinct(clause.map(text => literalForm(text).slice(-LITERAL_UNITS))))
  const rated = usable.map(clause => ({ clause, bits: Math.min(...clause.map(bitsOf)) }))
  const rarest = rated.toSorted((a, b) => b.bits - a.bits || a.clause.length - b.clause.length)
  const [first, second] = rarest
  if (first === undefined) return []
  // a second one is worth its cost where the first is in many texts
  const isWorth = second !== undefined && first.bits < RARE_BITS && second.bits > MOST_BITS_OF_ONE
  return isWorth ? [first.clause, second.clause] : [first.clause]
}

/** More than a usual word has. */
const RARE_BITS = 24
/** A single character is in most texts. */
const MOST_BITS_OF_ONE = 8
/** Letters of everyday words tell little, as most follow from those before them. */
const FREQUENT = ' etaoinshrdl'
const RARE_LETTERS = 'jqxz'

/** How rare the text is, roughly: the bits of its characters in everyday text. */
function bitsOf(text: string): number {
  let bits = 0
  for (const character of text) {
    if (FREQUENT.includes(character)) bits += 2
    else if (/[a-z]/.test(character)) bits += RARE_LETTERS.includes(character) ? 6 : 3
    else bits += 8
  }
  return bits
}

/** A character in the form of folded text; other cases of ASCII letters have the same. */
function finderForm(point: number): string {
  return literalForm(String.fromCodePoint(point).toLowerCase())
}

function isAscii(point: number): boolean {
  return point < 0x80
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)]
}

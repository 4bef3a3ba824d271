// Regular expressions: `/x/` matches anywhere and ignores case; in `/x/c` case counts. Several share one pass.
// A faulty one is returned as a fault. Matching takes time linear in the text.

import type { Item } from '../config/items'
import { composed } from '../mail/composed'
import { type Answer, holdsForOne, type YieldPolicy } from './match-budget'
import { faultOfRegex } from './regex-faults'
import { INSTRUCTIONS, loadRe2js, type RegexPass, type RegexPasses } from './regex-pass'
import type { Subject } from './subject'

export class RegexPatterns {
  readonly #passes: RegexPasses
  /** The passes that hold expressions of this set, with their numbers. */
  readonly #own = new Map<RegexPass, Set<number>>()
  #entries: readonly (readonly [RegexPass, ReadonlySet<number>])[] = []

  /** `passes` is shared by all sets for the same values. */
  constructor(passes: RegexPasses) {
    this.#passes = passes
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0
  }

  add({ text, flags }: Item): string | undefined {
    if (text === '') return 'the expression is empty; to match any value, write *'
    if (!['', 'i', 'c'].includes(flags)) {
      return `"${flags}" isn't valid after the closing slash; valid are i (ignore case, the default) and c (case counts)`
    }
    // texts are composed, so "é" must be one character here too
    const source = composed(text)
    const instructions = sizeOfRegex(source)
    if (typeof instructions === 'string') return instructions
    if (instructions > INSTRUCTIONS)
      return `/${text}/ is too large; shorten it, or use a smaller number in {}`
    const pass = this.#passes.withRoom(instructions)
    const numbers = this.#own.get(pass) ?? new Set()
    numbers.add(pass.add(flags === 'c' ? source : `(?i)${source}`, instructions))
    this.#own.set(pass, numbers)
    this.#entries = [...this.#own]
    return undefined
  }

  matches(subject: Subject, form: 'composed' | 'address', yieldPolicy: YieldPolicy): Answer {
    return holdsForOne(
      this.#entries,
      ([pass, numbers]) => {
        const found = subject.found(pass, form, yieldPolicy)
        const isOurs = (number: number) => numbers.has(number)
        return found instanceof Promise ? found.then(all => all.some(isOurs)) : found.some(isOurs)
      },
      yieldPolicy,
    )
  }
}

/** The number of compiled instructions. A text: the fault of the expression. */
export function sizeOfRegex(source: string): number | string {
  const { RE2JS, RE2JSException, RE2JSSyntaxException } = loadRe2js()
  try {
    return RE2JS.compile(source).programSize()
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) return faultOfRegex(source, error.error, error.input)
    if (error instanceof RE2JSException) return faultOfRegex(source, error.message, null)
    throw error
  }
}

// Regular expressions: `/x/` is found anywhere and ignores case, `/x/c` keeps to it. Several are looked for in one pass.
// One that can't be used comes back as a fault; matching takes time in proportion to the text.

import type { Item } from '../config/items'
import { composed } from '../mail/composed'
import { type Answer, holdsForOne, type YieldPolicy } from './match-budget'
import { faultOfRegex } from './regex-faults'
import { INSTRUCTIONS, loadRe2js, type RegexPass, type RegexPasses } from './regex-pass'
import type { Subject } from './subject'

export class RegexPatterns {
  readonly #passes: RegexPasses
  /** Those that ours are in, with their numbers there. */
  readonly #own = new Map<RegexPass, Set<number>>()
  #entries: readonly (readonly [RegexPass, ReadonlySet<number>])[] = []

  /** Shared with all that are asked about the same values. */
  constructor(passes: RegexPasses) {
    this.#passes = passes
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0
  }

  add({ text, flags }: Item): string | undefined {
    if (text === '') return 'there is nothing between the slashes; to match whatever is there, write *'
    if (!['', 'i', 'c'].includes(flags)) {
      return `"${flags}" can't stand behind the closing slash; valid are i (ignore case, as without it) and c (case counts)`
    }
    // a text comes composed, so "é" here is one character too
    const source = composed(text)
    const instructions = sizeOfRegex(source)
    if (typeof instructions === 'string') return instructions
    if (instructions > INSTRUCTIONS)
      return `/${text}/ is too large; shorten it, or take less for a number in {}`
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

/** In instructions; text: why it is no regular expression. */
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

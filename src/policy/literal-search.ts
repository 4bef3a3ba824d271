// One search of a value for the literals of all its patterns, however many rules there are. A pattern need only be tried
// where its literals were found. Never throws; patterns for which there is no room are always tried.

import { FinderSize, LiteralFinder } from './literal-finder'
import type { RequiredLiterals } from './required-literals'

/** The literals that a pattern needs: for each clause, one of the literals with these numbers. */
export type Need = readonly (readonly number[])[]

/** The literals of all patterns for one kind of value: for `body`, for `subject`, or for one list. */
export class LiteralSearch {
  readonly #literals: string[] = []
  readonly #numbers = new Map<string, number>()
  readonly #size = new FinderSize()
  #finder: LiteralFinder | undefined

  /** Undefined: the pattern is always tried. Must not be called after the first search. */
  add(required: RequiredLiterals): Need | undefined {
    if (required.length === 0) return undefined
    const added = new Set(required.flat().filter(literal => !this.#numbers.has(literal)))
    if (!this.#size.add([...added])) return undefined
    for (const literal of added) this.#numbers.set(literal, this.#literals.push(literal) - 1)
    return required.map(clause => clause.map(literal => this.#numbers.get(literal) ?? 0))
  }

  /** The literals by their numbers, for a thread's own LiteralFinder. Empty: there is nothing to search for. */
  get literals(): readonly string[] {
    return this.#literals
  }

  /** `text`: folded (`fold` in subject.ts). */
  search(text: string): FoundLiterals {
    if (this.#literals.length === 0) return this.found([])
    this.#finder ??= new LiteralFinder(this.#literals)
    return this.found(this.#finder.find(text))
  }

  /** `numbers`: the literals that a LiteralFinder of the same literals has found in the text, in whatever thread. */
  found(numbers: readonly number[]): FoundLiterals {
    return new FoundLiterals(numbers)
  }
}

/** The literals that occur in one text. */
export class FoundLiterals {
  readonly numbers: readonly number[]
  #all: ReadonlySet<number> | undefined

  constructor(numbers: readonly number[]) {
    this.numbers = numbers
  }

  /** False: the pattern can't match the text. */
  meets(need: Need | undefined): boolean {
    if (need === undefined) return true
    if (this.numbers.length === 0) return false
    this.#all ??= new Set(this.numbers)
    for (const clause of need) if (!this.#hasOneOf(clause)) return false
    return true
  }

  #hasOneOf(clause: readonly number[]): boolean {
    for (const number of clause) if (this.#all?.has(number)) return true
    return false
  }
}

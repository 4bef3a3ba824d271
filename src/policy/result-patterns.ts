// Patterns for results of other plugins: comparisons for numbers, everything else as text.
// A pattern that can't be used is returned as a fault.

import type { Item } from '../config/items'
import { parseNumber } from '../config/values'
import { type Answer, type YieldPolicy } from './match-budget'
import { NUMBER, NumberPatterns } from './number-patterns'
import type { PatternSet } from './pattern-set'
import type { Searches } from './searches'
import type { Subject } from './subject'
import { TextPatterns } from './text-patterns'

export class ResultPatterns implements PatternSet {
  readonly #texts: TextPatterns
  readonly #numbers = new NumberPatterns(NUMBER)

  constructor(searches: Searches) {
    this.#texts = new TextPatterns(searches)
  }

  add(item: Item): string | undefined {
    if (item.form !== 'plain') return this.#texts.add(item)
    if (isComparison(item.text)) return this.#numbers.add(item)
    // `5` also matches 5.0, and `1..5` may be a text
    this.#numbers.add(item)
    return this.#texts.add(item)
  }

  matches(subject: Subject, yieldPolicy: YieldPolicy): Answer {
    return this.#numbers.holdsFor(numberOf(subject)) || this.#texts.matches(subject, yieldPolicy)
  }
}

function isComparison(text: string): boolean {
  return /^[<>=]/.test(text)
}

/** Some plugins keep numbers as text. NaN, for which no comparison holds: not a number. */
function numberOf({ value }: Subject): number {
  return typeof value === 'number' ? value : (parseNumber(value.trim()) ?? Number.NaN)
}

// Patterns for sizes, durations and numbers: `> 10mb`, `>= 5`, `< 1h`, `<= 5`, `= 5`, `5`, `1..5`.
// A pattern that can't be read is returned as a fault. A value that is text matches nothing.

import type { Item } from '../config/items'
import { DURATION_FORM, parseDurationMs, parseNumber, parseSizeBytes, SIZE_FORM } from '../config/values'
import type { PatternSet } from './pattern-set'
import type { Subject } from './subject'

export interface Measure {
  name: string
  form: string
  parse(text: string): number | undefined
}

export const NUMBER: Measure = { name: 'a number', form: 'a number', parse: parseNumber }
export const SIZE: Measure = { name: 'a size', form: SIZE_FORM, parse: parseSizeBytes }
export const DURATION: Measure = { name: 'a duration', form: DURATION_FORM, parse: parseDurationMs }

type Comparison = (value: number) => boolean

const COMPARISONS: Record<string, (limit: number) => Comparison> = {
  '>': limit => value => value > limit,
  '>=': limit => value => value >= limit,
  '<': limit => value => value < limit,
  '<=': limit => value => value <= limit,
  '=': limit => value => value === limit,
  '': limit => value => value === limit,
}

export class NumberPatterns implements PatternSet {
  readonly #measure: Measure
  readonly #comparisons: Comparison[] = []

  constructor(measure: Measure) {
    this.#measure = measure
  }

  add(item: Item): string | undefined {
    if (item.form === 'regex') return this.#fault(`/${item.text}/`)
    const comparison = this.#range(item.text) ?? this.#comparison(item.text)
    if (typeof comparison === 'string') return comparison
    this.#comparisons.push(comparison)
    return undefined
  }

  matches(subject: Subject): boolean {
    return this.holdsFor(subject.number)
  }

  holdsFor(value: number): boolean {
    return this.#comparisons.some(holds => holds(value))
  }

  #range(text: string): Comparison | string | undefined {
    const dots = text.indexOf('..')
    if (dots < 0) return undefined
    const low = this.#measure.parse(text.slice(0, dots).trim())
    const high = this.#measure.parse(text.slice(dots + 2).trim())
    if (low === undefined || high === undefined) return this.#fault(text)
    if (low > high) return `"${text}" is empty: the lower end of a range comes first`
    return value => value >= low && value <= high
  }

  #comparison(text: string): Comparison | string {
    const operator = /^(?:[<>]=?|=)?/.exec(text)?.[0] ?? ''
    const limit = this.#measure.parse(text.slice(operator.length).trim())
    return (limit !== undefined && COMPARISONS[operator]?.(limit)) || this.#fault(text)
  }

  #fault(text: string): string {
    const { name, form } = this.#measure
    return `"${text}" isn't ${name}; write ${form}; with <, <=, =, >= or > before it, or two with ".." between them`
  }
}

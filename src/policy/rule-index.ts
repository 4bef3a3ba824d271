// Finds the rules that can hold for a recipient, by the addresses and the texts in their conditions: a thousand rules cost
// hardly more than ten. It may return too many rules, never too few, and keeps their order.

import { AddressFieldIndex, type FieldIndex, indexedCondition, TextFieldIndex } from './field-index'
import type { Condition, Rule } from './rule'
import type { Subject } from './subject'

/** The values of a condition's field. Undefined: not known (yet), so any condition on it may hold. */
export type KnownValues = (condition: Condition) => readonly Subject[] | undefined

export class RuleIndex {
  readonly #rules: readonly Rule[]
  /** Indexes of rules without an indexed condition, ascending. */
  readonly #open: number[] = []
  /** By the field and the part after a family's name, in the order of their first rules. */
  readonly #fields = new Map<string, FieldIndex>()

  constructor(rules: readonly Rule[]) {
    this.#rules = rules
    for (const [place, rule] of rules.entries()) {
      const condition = rule.conditions.length === 0 ? undefined : indexedCondition(rule.conditions)
      if (condition === undefined) this.#open.push(place)
      else this.#fieldOf(condition, place).add(place, condition)
    }
  }

  /**
   * Reads a field when the first rule with a condition on it is reached. While its values aren't known all its rules are
   * returned, and they are asked for again before each.
   */
  *candidates(values: KnownValues): Generator<Rule, void> {
    const sources = [new Source(this.#open)]
    for (const field of this.#fields.values()) sources.push(new Source([field.first], field))
    for (;;) {
      const next = first(sources)
      if (next === undefined) return
      if (!next.reads(values)) yield this.#rules[next.take()] as Rule
    }
  }

  #fieldOf(condition: Condition, place: number): FieldIndex {
    const id = `${condition.field.name} ${condition.member.toLowerCase()}`
    const known = this.#fields.get(id)
    if (known !== undefined) return known
    const made =
      condition.field.kind === 'address'
        ? new AddressFieldIndex(condition, place)
        : new TextFieldIndex(condition, place)
    this.#fields.set(id, made)
    return made
  }
}

/** The places of rules that are still to come, from one field or from none. */
class Source {
  #places: readonly number[]
  /** Undefined: there is none, or its values are known by now. */
  #unread: FieldIndex | undefined
  #at = 0

  /** `places`: of a field that isn't read yet, its first rule. */
  constructor(places: readonly number[], unread?: FieldIndex) {
    this.#places = places
    this.#unread = unread
  }

  get next(): number | undefined {
    return this.#places[this.#at]
  }

  take(): number {
    return this.#places[this.#at++] as number
  }

  /** True: its places are others now. */
  reads(values: KnownValues): boolean {
    const field = this.#unread
    if (field === undefined) return false
    const subjects = values(field.condition)
    const from = this.next ?? 0
    if (subjects === undefined) {
      if (this.#places === field.all) return false
      this.#places = field.all
      return true
    }
    this.#unread = undefined
    this.#places = field.find(subjects).filter(place => place >= from)
    this.#at = 0
    return true
  }
}

function first(sources: readonly Source[]): Source | undefined {
  let least: Source | undefined
  for (const source of sources) {
    const { next } = source
    if (next !== undefined && (least?.next === undefined || next < least.next)) least = source
  }
  return least
}

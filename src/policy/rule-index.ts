// Finds the rules that can hold for a recipient by looking up the addresses in their conditions.
// It may return too many rules, never too few, and keeps their order.

import { AddressPatterns, type Lookups, someParent } from './address-patterns'
import { SYNC_ONLY } from './match-budget'
import type { Condition, Rule } from './rule'
import type { Subject } from './subject'

/** The values of a condition's field. Undefined: not known, so any condition on it may hold. */
export type KnownValues = (condition: Condition) => readonly Subject[] | undefined

const END = Number.POSITIVE_INFINITY

export class RuleIndex {
  readonly #rules: readonly Rule[]
  /** Indexes of rules without an indexed condition, ascending. */
  readonly #open: number[] = []
  /** By name of the field, in the order of their first rules. */
  readonly #fields = new Map<string, FieldIndex>()

  constructor(rules: readonly Rule[]) {
    this.#rules = rules
    for (const [place, rule] of rules.entries()) {
      const condition = rule.conditions.find(canBeLookedUp)
      if (condition === undefined) this.#open.push(place)
      else this.#fieldOf(condition, place).add(place, condition)
    }
  }

  /** Reads a field when the first rule with a condition on it is reached. */
  *candidates(values: KnownValues): Generator<Rule, void> {
    const unread = [...this.#fields.values()]
    let found: readonly number[] = []
    let [atOpen, atFound, atUnread] = [0, 0, 0]
    for (;;) {
      const [open = END, hit = END] = [this.#open[atOpen], found[atFound]]
      const field = unread[atUnread]
      if (field !== undefined && field.first <= Math.min(open, hit)) {
        const more = field.find(values(field.condition))
        found = [...new Set([...found.slice(atFound), ...more])].toSorted((a, b) => a - b)
        atFound = 0
        atUnread++
        continue
      }
      const place = Math.min(open, hit)
      if (place === END) return
      if (place === open) atOpen++
      else atFound++
      yield this.#rules[place] as Rule
    }
  }

  #fieldOf(condition: Condition, place: number): FieldIndex {
    const { name } = condition.field
    const known = this.#fields.get(name) ?? new FieldIndex(condition, place)
    this.#fields.set(name, known)
    return known
  }
}

/** The rules with a condition on one address field. */
class FieldIndex {
  /** Any condition on the field, to ask for its values. */
  readonly condition: Condition
  /** Index of the first rule. */
  readonly first: number
  readonly #all: number[] = []
  readonly #keys = new Map<string, number[]>()
  readonly #hosts = new Map<string, number[]>()
  readonly #parents = new Map<string, number[]>()
  #labelSeparator = ''
  /** Lists are shared by rules and may be long, so each is matched once. */
  readonly #lists = new Map<AddressPatterns, number[]>()

  constructor(condition: Condition, first: number) {
    this.condition = condition
    this.first = first
  }

  add(place: number, { matcher }: Condition): void {
    this.#all.push(place)
    const lookups = lookupsOf(matcher.own)
    if (lookups !== undefined) this.#addLookups(place, lookups)
    for (const list of matcher.lists) if (list instanceof AddressPatterns) append(this.#lists, list, place)
  }

  #addLookups(place: number, { keys, hosts, parents, labelSeparator }: Lookups): void {
    // all conditions on a field have the same one
    this.#labelSeparator = labelSeparator
    for (const key of keys) append(this.#keys, key, place)
    for (const host of hosts) append(this.#hosts, host, place)
    for (const parent of parents) append(this.#parents, parent, place)
  }

  find(subjects: readonly Subject[] | undefined): Iterable<number> {
    if (subjects === undefined) return this.#all
    const found = new Set<number>()
    for (const subject of subjects) this.#findOne(subject, found)
    return found
  }

  #findOne(subject: Subject, found: Set<number>): void {
    const { key, domain } = subject.address
    addAll(this.#keys.get(key), found)
    const unlabelled = subject.unlabelled(this.#labelSeparator).key
    if (unlabelled !== key) addAll(this.#keys.get(unlabelled), found)
    if (domain !== '') {
      addAll(this.#hosts.get(domain), found)
      if (this.#parents.size > 0) {
        someParent(domain, parent => {
          addAll(this.#parents.get(parent), found)
          return false
        })
      }
    }
    // a set of looked-up patterns answers at once
    for (const [list, places] of this.#lists)
      if (list.matches(subject, SYNC_ONLY) === true) addAll(places, found)
  }
}

function canBeLookedUp({ negated, matcher }: Condition): boolean {
  return !negated && [matcher.own, ...matcher.lists].every(set => lookupsOf(set) !== undefined)
}

function lookupsOf(set: unknown) {
  return set instanceof AddressPatterns ? set.lookups() : undefined
}

function append<K>(map: Map<K, number[]>, key: K, place: number): void {
  const places = map.get(key)
  if (places === undefined) map.set(key, [place])
  else if (places.at(-1) !== place) places.push(place)
}

function addAll(places: readonly number[] | undefined, found: Set<number>): void {
  if (places !== undefined) for (const place of places) found.add(place)
}

// The rules with a condition on one field, by the addresses or the texts in it.

import { AddressPatterns, type Lookups, someParent } from './address-patterns'
import { SYNC_ONLY } from './match-budget'
import { NeedIndex } from './need-index'
import type { Condition } from './rule'
import type { Searches } from './searches'
import type { Subject } from './subject'
import { TextPatterns } from './text-patterns'

export interface FieldIndex {
  /** Any condition on the field, to ask for its values. */
  readonly condition: Condition
  /** Index of the first rule. */
  readonly first: number
  /** The indexes of all rules, ascending. */
  readonly all: readonly number[]
  add(place: number, condition: Condition): void
  /** The indexes of the rules that can hold, ascending, each once. */
  find(subjects: readonly Subject[]): readonly number[]
}

/** The condition by which a rule can be looked up. Undefined: there is none. */
export function indexedCondition(conditions: readonly Condition[]): Condition | undefined {
  // few mails have a certain address, while a text may stand in many
  return conditions.find(hasAddresses) ?? conditions.find(hasTexts)
}

function hasAddresses({ negated, matcher }: Condition): boolean {
  return !negated && [matcher.own, ...matcher.lists].every(set => lookupsOf(set) !== undefined)
}

/** Each of its patterns needs a literal, or is one. */
function hasTexts({ negated, field, matcher }: Condition): boolean {
  if (negated || field.kind === 'address') return false
  return [matcher.own, ...matcher.lists].every(set => set instanceof TextPatterns && !set.isOpen)
}

function lookupsOf(set: unknown) {
  return set instanceof AddressPatterns ? set.lookups() : undefined
}

abstract class Places {
  readonly condition: Condition
  readonly first: number
  readonly all: number[] = []

  constructor(condition: Condition, first: number) {
    this.condition = condition
    this.first = first
  }

  protected ascending(found: ReadonlySet<number>): readonly number[] {
    return found.size === 0 ? NOTHING : [...found].toSorted((a, b) => a - b)
  }
}

const NOTHING: readonly number[] = []

export class AddressFieldIndex extends Places implements FieldIndex {
  readonly #keys = new Map<string, number[]>()
  readonly #hosts = new Map<string, number[]>()
  readonly #parents = new Map<string, number[]>()
  #labelSeparator = ''
  /** Lists are shared by rules and may be long, so each is matched once. */
  readonly #lists = new Map<AddressPatterns, number[]>()

  add(place: number, { matcher }: Condition): void {
    this.all.push(place)
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

  find(subjects: readonly Subject[]): readonly number[] {
    const found = new Set<number>()
    for (const subject of subjects) this.#findOne(subject, found)
    return this.ascending(found)
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

export class TextFieldIndex extends Places implements FieldIndex {
  readonly #plain = new Map<string, number[]>()
  readonly #needs = new NeedIndex<number>()
  #searches: Searches | undefined
  readonly #lists = new Map<TextPatterns, number[]>()

  add(place: number, { matcher }: Condition): void {
    this.all.push(place)
    const { own } = matcher
    if (own instanceof TextPatterns) {
      // all conditions on a field have the same ones
      this.#searches = own.searches
      for (const text of own.plainTexts()) append(this.#plain, text, place)
      for (const need of own.needs) this.#needs.add(place, need)
    }
    for (const list of matcher.lists) if (list instanceof TextPatterns) append(this.#lists, list, place)
  }

  find(subjects: readonly Subject[]): readonly number[] {
    const found = new Set<number>()
    for (const subject of subjects) {
      if (this.#plain.size > 0) addAll(this.#plain.get(subject.folded), found)
      if (this.#searches !== undefined && !this.#needs.isEmpty)
        addAll(this.#needs.find(subject.literals(this.#searches.literals)), found)
      for (const [list, places] of this.#lists) if (list.mayMatch(subject)) addAll(places, found)
    }
    return this.ascending(found)
  }
}

function append<K>(map: Map<K, number[]>, key: K, place: number): void {
  const places = map.get(key)
  if (places === undefined) map.set(key, [place])
  else if (places.at(-1) !== place) places.push(place)
}

function addAll(places: readonly number[] | undefined, found: Set<number>): void {
  if (places !== undefined) for (const place of places) found.add(place)
}

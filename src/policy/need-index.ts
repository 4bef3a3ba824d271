// Finds among many patterns, or rules, those whose literals were found in a text, without looking at the others.
// It may return too many, never too few.

import type { FoundLiterals, Need } from './literal-search'

interface Entry<T> {
  item: T
  need: Need
}

export class NeedIndex<T> {
  readonly #open: T[] = []
  readonly #entries: Entry<T>[] = []
  #byLiteral: ReadonlyMap<number, readonly Entry<T>[]> | undefined

  /** Undefined: whatever was found, the item is returned. Must not be called after the first `find`. */
  add(item: T, need: Need | undefined): void {
    if (need === undefined) this.#open.push(item)
    else this.#entries.push({ item, need })
  }

  get isEmpty(): boolean {
    return this.#open.length === 0 && this.#entries.length === 0
  }

  /** Each item once for each time it was added, in no order. */
  find(found: FoundLiterals): readonly T[] {
    if (this.#entries.length === 0 || found.numbers.length === 0) return this.#open
    // most conditions have a few patterns, while a text may hold the literals of a thousand
    if (this.#entries.length <= found.numbers.length) return this.#each(found)
    return this.#lookUp(found)
  }

  #each(found: FoundLiterals): readonly T[] {
    let items: T[] | undefined
    for (const { item, need } of this.#entries) {
      if (!found.meets(need)) continue
      items ??= [...this.#open]
      items.push(item)
    }
    return items ?? this.#open
  }

  #lookUp(found: FoundLiterals): readonly T[] {
    this.#byLiteral ??= byLiteral(this.#entries)
    let items: T[] | undefined
    let seen: Set<Entry<T>> | undefined
    for (const number of found.numbers) {
      for (const entry of this.#byLiteral.get(number) ?? []) {
        if (entry.need.length > 1 && !found.meets(entry.need)) continue
        // another literal of the same clause may have been found too
        if (isOneOfSeveral(entry)) {
          seen ??= new Set()
          if (seen.has(entry)) continue
          seen.add(entry)
        }
        items ??= [...this.#open]
        items.push(entry.item)
      }
    }
    return items ?? this.#open
  }
}

function isOneOfSeveral({ need }: Entry<unknown>): boolean {
  return need.some(clause => clause.length > 1)
}

/** Each entry under the literals of its rarest clause: common words are in most texts. */
function byLiteral<T>(entries: readonly Entry<T>[]): Map<number, Entry<T>[]> {
  const uses = new Map<number, number>()
  for (const { need } of entries)
    for (const number of need.flat()) uses.set(number, (uses.get(number) ?? 0) + 1)
  const usesOf = (clause: readonly number[]) =>
    clause.reduce((sum, number) => sum + (uses.get(number) ?? 0), 0)
  const index = new Map<number, Entry<T>[]>()
  for (const entry of entries) {
    const [rarest = []] = entry.need.toSorted((a, b) => usesOf(a) - usesOf(b))
    for (const number of rarest) {
      const known = index.get(number)
      if (known === undefined) index.set(number, [entry])
      else known.push(entry)
    }
  }
  return index
}

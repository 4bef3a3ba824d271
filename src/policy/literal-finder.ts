// Finds which of many literals occur in a text, in one pass over the text, however many there are (Aho and Corasick,
// "Efficient string matching", CACM 18/6). Never throws; a text costs time linear in its length.

import { PIECE_UNITS, unitsOf } from '../mail/text-units'

/**
 * For each body or header value one finder serves all patterns: `new LiteralFinder(literals)` once for a policy, `find(text)`
 * for each text. The literals are plain strings, so a thread can make its own finder of the same ones.
 */
export class LiteralFinder {
  /** The class of each UTF-16 unit; 0: in no literal. */
  readonly #classes = new Uint16Array(0x10000)
  readonly #width: number
  /**
   * The offset of the next state's row, by row and class; with END_BIT, so below 0, if a literal ends in that state.
   */
  readonly #next: Int32Array
  /** The numbers of the literals that end in each state. */
  readonly #ends: (number[] | undefined)[] = [undefined]
  /** For each state, the nearest state of a shorter end of the same text at which a literal ends. 0: none. */
  readonly #shorter: Uint16Array
  /** The number of the call that has reported each state. */
  readonly #reported: Uint32Array
  readonly #longest: number
  #calls = 0

  /** `literals`: not empty, in the form of `literalForm`, and with `fits` in mind. */
  constructor(literals: readonly string[]) {
    this.#longest = literals.reduce((most, { length }) => Math.max(most, length), 0)
    this.#width = this.#addClasses(literals)
    const { trie, count } = this.#trieOf(literals)
    this.#shorter = new Uint16Array(count)
    this.#reported = new Uint32Array(count)
    this.#link(trie, count)
    this.#next = this.#rowsOf(trie)
  }

  /** The numbers (indexes) of the literals that occur in the text, each once, in no order. `text`: folded (`fold` in subject.ts). */
  find(text: string): number[] {
    const found: number[] = []
    this.#calls++
    let row = 0
    for (let from = 0; from < text.length; from += PIECE_UNITS) {
      const to = Math.min(from + PIECE_UNITS, text.length)
      row = this.#search(unitsOf(text, from, to), to - from, row, found)
    }
    return found
  }

  /**
   * Goes over both halves at once, as a processor waits for each step before the next of the same half. Returns the row
   * at the end.
   */
  #search(units: Uint16Array, count: number, row: number, found: number[]): number {
    const [classes, next] = [this.#classes, this.#next]
    const half = count < 2 * this.#longest ? 0 : count >> 1
    let left = row
    let right = half === 0 ? row : 0
    // a literal may begin in the first half and end in the second; one that ends in the first is found there
    for (let at = Math.max(0, half - this.#longest); at < half; at++)
      right = (next[right + (classes[units[at] as number] as number)] as number) & ROW_BITS
    let at = half
    for (let first = 0; first < half; ) {
      // without a call in this loop its arrays are looked up once
      let ends = 0
      for (; first < half && ends >= 0; first++, at++) {
        const one = next[left + (classes[units[first] as number] as number)] as number
        const other = next[right + (classes[units[at] as number] as number)] as number
        ends = one | other
        left = one & ROW_BITS
        right = other & ROW_BITS
      }
      if (ends < 0) {
        this.#report(left, found)
        this.#report(right, found)
      }
    }
    for (; at < count; at++) {
      const to = next[right + (classes[units[at] as number] as number)] as number
      right = to & ROW_BITS
      if (to < 0) this.#report(right, found)
    }
    return right
  }

  /** The row of a state in which no literal ends reports nothing. */
  #report(row: number, found: number[]): void {
    // the states behind a reported one were reported with it
    for (
      let state = row / this.#width;
      state !== 0 && this.#reported[state] !== this.#calls;
      state = this.#shorter[state] ?? 0
    ) {
      this.#reported[state] = this.#calls
      const ends = this.#ends[state]
      if (ends !== undefined) found.push(...ends)
    }
  }

  /** Returns the number of classes. */
  #addClasses(literals: readonly string[]): number {
    let count = 1
    for (const literal of literals) {
      for (let at = 0; at < literal.length; at++) {
        const unit = literal.charCodeAt(at)
        if (this.#classes[unit] === 0) this.#classes[unit] = count++
      }
    }
    for (const [unit, like] of ALIKE) this.#classes[unit] = this.#classes[like] ?? 0
    return count
  }

  /** The states in the order of their depth: most of a text stays near the beginning, and so in the processor's cache. */
  #trieOf(literals: readonly string[]): { trie: Uint16Array; count: number } {
    const most = 1 + literals.reduce((sum, { length }) => sum + length, 0)
    const trie = new Uint16Array(most * this.#width)
    let count = 1
    let open = literals.map((literal, number) => ({ literal, number, state: 0 }))
    for (let depth = 0; open.length > 0; depth++) {
      for (const one of open) {
        const cell = one.state * this.#width + (this.#classes[one.literal.charCodeAt(depth)] ?? 0)
        if (trie[cell] === 0) trie[cell] = count++
        one.state = trie[cell] ?? 0
        if (depth + 1 === one.literal.length) this.#endAt(one.state, one.number)
      }
      open = open.filter(({ literal }) => literal.length > depth + 1)
    }
    return { trie: trie.slice(0, count * this.#width), count }
  }

  #endAt(state: number, number: number): void {
    const ends = this.#ends[state]
    if (ends === undefined) this.#ends[state] = [number]
    else ends.push(number)
  }

  /** Completes the trie breadth first: where a state has no next one, that of its longest shorter end. */
  #link(next: Uint16Array, count: number): void {
    const width = this.#width
    const fail = new Uint16Array(count)
    const queue = [0]
    for (const state of queue) {
      const failed = fail[state] ?? 0
      for (let cell = 0; cell < width; cell++) {
        const child = next[state * width + cell] ?? 0
        const other = state === 0 ? 0 : (next[failed * width + cell] ?? 0)
        if (child === 0) {
          next[state * width + cell] = other
          continue
        }
        fail[child] = other
        this.#shorter[child] = this.#ends[other] === undefined ? (this.#shorter[other] ?? 0) : other
        queue.push(child)
      }
    }
  }

  #rowsOf(trie: Uint16Array): Int32Array {
    const endBit = (state: number) =>
      this.#ends[state] !== undefined || this.#shorter[state] !== 0 ? END_BIT : 0
    return Int32Array.from(trie, state => (state * this.#width) | endBit(state))
  }
}

/** In a cell of the table: a literal ends in the next state, or in a shorter end of it. The sign of a number. */
const END_BIT = 0x80000000
const ROW_BITS = 0x7fffffff

/** Units that expressions take for others though folding leaves them: U+017F is a case of s (Unicode, CaseFolding.txt). */
const ALIKE: readonly (readonly [unit: number, like: number])[] = [[0x17f, 0x73]]

/** A literal as the finder compares it: folded text, with characters that are alike written in one way. */
export function literalForm(folded: string): string {
  return folded.replaceAll('\u017f', 's')
}

/** Literals of a thousand rules have some 10,000. */
const MOST_STATES = 0x7fff
/** Cells of the table of next states, 4 bytes each. */
const MOST_CELLS = 8 * 1024 * 1024

/** Counts whether a finder can hold all literals that are added to it. */
export class FinderSize {
  #states = 1
  readonly #units = new Set<string>()

  /** False: there is no room for it, and it wasn't added. */
  add(literals: readonly string[]): boolean {
    const states = this.#states + literals.reduce((sum, { length }) => sum + length, 0)
    if (states > MOST_STATES) return false
    const more = new Set(
      literals.flatMap(literal => literal.split('')).filter(unit => !this.#units.has(unit)),
    )
    if (states * (this.#units.size + more.size + 1) > MOST_CELLS) return false
    this.#states = states
    for (const unit of more) this.#units.add(unit)
    return true
  }
}

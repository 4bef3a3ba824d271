// Globs: `*` stands for any characters, `?` for one. Matching takes time linear in the text for any pattern.
// Never throws: every text is a valid pattern.

/** A lone surrogate in a pattern could match half of a character. */
const LONE_SURROGATE = /\p{Cs}/u

export class Glob {
  readonly #pattern: Parts | Positions

  /** The caller folds pattern and texts (`fold` in subject.ts). */
  constructor(pattern: string) {
    const isOfParts = !pattern.includes('?') && !LONE_SURROGATE.test(pattern)
    this.#pattern = isOfParts ? new Parts(pattern) : new Positions(pattern)
  }

  matches(text: string): boolean {
    return this.#pattern.matches(text)
  }
}

/** Searches the parts between `*` one after the other: a hundred times faster than `Positions`, but without `?`. */
class Parts {
  readonly #first: string
  readonly #inner: readonly string[]
  /** The part after the last `*`. Undefined: the pattern has no `*`. */
  readonly #last: string | undefined

  constructor(pattern: string) {
    const [first = '', ...others] = pattern.split('*')
    this.#first = first
    this.#last = others.pop()
    this.#inner = others.filter(part => part !== '')
  }

  matches(text: string): boolean {
    if (this.#last === undefined) return text === this.#first
    const end = text.length - this.#last.length
    if (end < this.#first.length || !text.startsWith(this.#first) || !text.endsWith(this.#last)) return false
    let from = this.#first.length
    for (const part of this.#inner) {
      // the first match leaves the most text for the parts after it
      const at = text.indexOf(part, from)
      if (at < 0) return false
      from = at + part.length
    }
    return from <= end
  }
}

/**
 * The pattern as a nondeterministic automaton with one bit for each position. Each character moves all positions at once
 * (Baeza-Yates and Gonnet, "A new approach to text searching", CACM 35/10), so hostile text can't cause backtracking.
 */
class Positions {
  /** Bit i: a `*` follows the first i characters, so any character may stay at position i. */
  readonly #stay: Uint32Array
  /** Bit i: a `?`, so any character leads to position i + 1. */
  readonly #any: Uint32Array
  /** For each character of the pattern. Bit i: the character leads to position i + 1. */
  readonly #moves = new Map<number, Uint32Array>()
  readonly #state: Uint32Array
  readonly #length: number
  readonly #needle: string

  constructor(pattern: string) {
    const characters = Array.from(pattern)
    this.#length = characters.filter(character => character !== '*').length
    const words = (this.#length >>> 5) + 1
    this.#stay = new Uint32Array(words)
    this.#any = new Uint32Array(words)
    this.#state = new Uint32Array(words)
    let position = 0
    for (const character of characters) {
      if (character === '*') setBit(this.#stay, position)
      else if (character === '?') setBit(this.#any, position++)
      else setBit(this.#movesOf(character), position++)
    }
    for (const moves of this.#moves.values()) {
      for (const [word, bits] of this.#any.entries()) moves[word] = (moves[word] ?? 0) | bits
    }
    this.#needle = pattern
      .split(/[*?]/)
      .reduce((longest, part) => (part.length > longest.length ? part : longest), '')
  }

  matches(text: string): boolean {
    if (!text.includes(this.#needle)) return false
    const state = this.#state.fill(0)
    state[0] = 1
    for (let at = 0; at < text.length; at++) {
      const code = text.codePointAt(at) ?? 0
      if (code > 0xffff) at++
      if (!this.#step(state, this.#moves.get(code) ?? this.#any)) return false
    }
    return hasBit(state, this.#length)
  }

  /** False: no position is left, so the text doesn't match. */
  #step(state: Uint32Array, moves: Uint32Array): boolean {
    let carry = 0
    let alive = 0
    for (let word = 0; word < state.length; word++) {
      const old = state[word] ?? 0
      const moved = old & (moves[word] ?? 0)
      const next = (moved << 1) | carry | (old & (this.#stay[word] ?? 0))
      carry = moved >>> 31
      alive |= next
      state[word] = next
    }
    return alive !== 0
  }

  #movesOf(character: string): Uint32Array {
    const code = character.codePointAt(0) ?? 0
    const known = this.#moves.get(code)
    const moves = known ?? new Uint32Array(this.#stay.length)
    if (known === undefined) this.#moves.set(code, moves)
    return moves
  }
}

export function isGlob(text: string): boolean {
  return /[*?]/.test(text)
}

function setBit(words: Uint32Array, bit: number): void {
  words[bit >>> 5] = (words[bit >>> 5] ?? 0) | (1 << (bit & 31))
}

function hasBit(words: Uint32Array, bit: number): boolean {
  return (((words[bit >>> 5] ?? 0) >>> (bit & 31)) & 1) === 1
}

// Finds which of many literals occur in a text, in one pass over the text, however many there are (Aho and Corasick,
// "Efficient string matching", CACM 18/6). Never throws; a text costs time linear in its length.

/**
 * For each body or header value one finder serves all patterns: `new LiteralFinder(literals)` once for a policy, `find(text)`
 * for each text. The literals are plain strings, so a thread can make its own finder of the same ones.
 */
export class LiteralFinder {
  /** The class of each UTF-16 unit; 0: in no literal. */
  readonly #classes = new Uint16Array(0x10000)
  readonly #width: number
  /** The next state, by state and class, with END_BIT where a literal ends there. State 0 is the beginning. */
  readonly #next: Uint16Array
  /** For each state, the numbers of the literals that end there. */
  readonly #ends: (number[] | undefined)[] = [undefined]
  /** For each state, the nearest state of a shorter end of the same text at which a literal ends. 0: none. */
  readonly #shorter: Uint16Array
  /** For each state, the number of the call that has reported it. */
  readonly #reported: Uint32Array
  #calls = 0

  /** `literals`: not empty, in the form of `literalForm`, and with `fits` in mind. */
  constructor(literals: readonly string[]) {
    this.#width = this.#addClasses(literals)
    const { trie, count } = this.#trieOf(literals)
    this.#next = trie
    this.#shorter = new Uint16Array(count)
    this.#reported = new Uint32Array(count)
    this.#link(count)
  }

  /** The numbers (indexes) of the literals that occur in the text, each once, in no order. `text`: folded (`fold` in subject.ts). */
  find(text: string): number[] {
    const found: number[] = []
    const [classes, next, width] = [this.#classes, this.#next, this.#width]
    this.#calls++
    let state = 0
    for (let at = 0; at < text.length; at++) {
      const to = next[state * width + (classes[text.charCodeAt(at)] as number)] as number
      state = to & STATE_BITS
      if (to >= END_BIT) this.#report(state, found)
    }
    return found
  }

  #report(from: number, found: number[]): void {
    // what a reported state leads to was reported with it
    for (
      let state = from;
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
  #link(count: number): void {
    const [next, width] = [this.#next, this.#width]
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
    const isEnd = (state: number) => this.#ends[state] !== undefined || this.#shorter[state] !== 0
    for (let cell = 0; cell < next.length; cell++) {
      const state = next[cell] ?? 0
      if (state !== 0 && isEnd(state)) next[cell] = state | END_BIT
    }
  }
}

/** In a cell of the table: a literal ends in the next state, or in a shorter end of it. */
const END_BIT = 0x8000
const STATE_BITS = 0x7fff

/** Units that expressions take for others though folding leaves them: U+017F is a case of s (Unicode, CaseFolding.txt). */
const ALIKE: readonly (readonly [unit: number, like: number])[] = [[0x17f, 0x73]]

/** A literal as the finder compares it: folded text, with characters that are alike written in one way. */
export function literalForm(folded: string): string {
  return folded.replaceAll('\u017f', 's')
}

/** States are numbers of 15 bits. */
const MOST_STATES = STATE_BITS
/** Cells of the table of next states, 2 bytes each. */
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

// Searches a text for several regular expressions in one pass, by the library's set matcher, in linear time.
// A search that could take long runs in another thread.

import type { RE2Set } from 're2js'
import type { Found, YieldPolicy } from './match-budget'

/**
 * The most compiled instructions in one expression and in one pass. Text that keeps every state alive takes some 30 ns
 * for each character and instruction.
 */
export const INSTRUCTIONS = 1000
/** Characters times instructions of a search in the main thread: 30 ms at most. Larger ones run in a worker thread. */
const AT_ONCE = 1_000_000
/** The cache of one pass's automaton, in bytes: a limit, as expressions and hostile texts would make it grow. */
const MEMORY_BYTES = 1024 ** 2

export class RegexPass {
  readonly #sources: string[] = []
  #instructions = 0
  #set: RE2Set | undefined

  hasRoom(instructions: number): boolean {
    return this.#instructions + instructions <= INSTRUCTIONS
  }

  /** Returns the number under which a search reports it. Must not be called after the first search. */
  add(source: string, instructions: number): number {
    this.#instructions += instructions
    return this.#sources.push(source) - 1
  }

  search(text: string, yieldPolicy: YieldPolicy): Found | Promise<Found> {
    if (text.length * this.#instructions > AT_ONCE) return yieldPolicy.search(this.#sources, text)
    this.#set ??= regexSet(this.#sources)
    return this.#set.match(text)
  }
}

/** Its numbers are indexes in `sources`. */
export function regexSet(sources: readonly string[]): RE2Set {
  const { RE2JS, RE2Set } = loadRe2js()
  // `.` matches line ends too, as a sender can put one into an encoded word
  const set = new RE2Set(RE2Set.UNANCHORED, RE2JS.DOTALL, MEMORY_BYTES)
  for (const source of sources) set.add(source)
  return set
}

/** Loaded at first use: it takes 10 ms, and many policies have no regular expression. */
export function loadRe2js(): typeof import('re2js') {
  return require('re2js') as typeof import('re2js')
}

/** The passes for conditions on the same values. A new one begins when INSTRUCTIONS are reached. */
export class RegexPasses {
  #last: RegexPass | undefined

  withRoom(instructions: number): RegexPass {
    if (!this.#last?.hasRoom(instructions)) this.#last = new RegexPass()
    return this.#last
  }
}

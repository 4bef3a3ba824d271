// Searches a text for several regular expressions in one pass, by the library's set matcher, in linear time.
// A search that could take long runs in another thread.

import type { RE2Set } from 're2js'
import type { Found, YieldPolicy } from './match-budget'

/**
 * Text that keeps every state of an expression alive takes some 30 ns for each character and instruction. So many
 * instructions at the most are looked for in one pass, and make up one expression.
 */
export const INSTRUCTIONS = 1000
/** Characters times instructions that are searched at once: 30 ms at the worst. */
const AT_ONCE = 1_000_000
/** What one pass may remember of texts it has seen, so that many expressions and hostile senders can't fill the memory. */
const MEMORY_BYTES = 1024 ** 2

export class RegexPass {
  readonly #sources: string[] = []
  #instructions = 0
  #set: RE2Set | undefined

  hasRoom(instructions: number): boolean {
    return this.#instructions + instructions <= INSTRUCTIONS
  }

  /** Not after the first search. Its number is what a search finds. */
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

/** Its numbers are the places in `sources`. */
export function regexSet(sources: readonly string[]): RE2Set {
  const { RE2JS, RE2Set } = loadRe2js()
  // an encoded word can hold a line end: `.` takes it too, so that no sender gets past with one
  const set = new RE2Set(RE2Set.UNANCHORED, RE2JS.DOTALL, MEMORY_BYTES)
  for (const source of sources) set.add(source)
  return set
}

/** Loaded late: it costs 10 ms, and many a policy has no regular expression. */
export function loadRe2js(): typeof import('re2js') {
  return require('re2js') as typeof import('re2js')
}

/** Passes that conditions on the same values share, as many as are needed. */
export class RegexPasses {
  #last: RegexPass | undefined

  withRoom(instructions: number): RegexPass {
    if (!this.#last?.hasRoom(instructions)) this.#last = new RegexPass()
    return this.#last
  }
}

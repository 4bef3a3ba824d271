// Regular expressions: `/x/` is found anywhere and ignores case, `/x/c` keeps to it. Several are looked for in one pass.
// One that can't be used comes back as a fault; matching never throws, and takes time in proportion to the text.

import type { RE2Set } from 're2js'
import type { Item } from '../settings/items'
import { faultOfRegex } from './regex-faults'

/**
 * Text that keeps every state of an expression alive takes some 30 ns for each character and instruction: 2 s for the
 * longest text and the largest expression. So it is the limit for one, and for all that are looked for in one pass.
 */
const INSTRUCTIONS = 1000
/** What one pass may remember of texts it has seen, so that many expressions and hostile senders can't fill the memory. */
const MEMORY_BYTES = 1024 ** 2

export class RegexPatterns {
  readonly #passes: RE2Set[] = []
  /** How many instructions the last pass can still take. */
  #room = 0

  add({ text, flags }: Item): string | undefined {
    if (text === '') return 'there is nothing between the slashes; to match whatever is there, write *'
    if (!['', 'i', 'c'].includes(flags)) {
      return `"${flags}" can't stand behind the closing slash; valid are i (ignore case, as without it) and c (case counts)`
    }
    const re2js = loadRe2js()
    // a text comes composed, so "é" here is one character too
    const source = text.normalize('NFC')
    const size = sizeOf(source, re2js)
    if (typeof size === 'string') return size
    if (size > INSTRUCTIONS) return `/${text}/ is too large; shorten it, or take less for a number in {}`
    this.#passWithRoom(size, re2js).add(flags === 'c' ? source : `(?i)${source}`)
    return undefined
  }

  /** `text`: in Unicode's composed form. */
  matches(text: string): boolean {
    for (const pass of this.#passes) if (pass.match(text).length > 0) return true
    return false
  }

  #passWithRoom(size: number, { RE2JS, RE2Set }: Re2js): RE2Set {
    let pass = this.#passes.at(-1)
    if (pass === undefined || this.#room < size) {
      // an encoded word can hold a line end: `.` takes it too, so that no sender gets past with one
      pass = new RE2Set(RE2Set.UNANCHORED, RE2JS.DOTALL, MEMORY_BYTES)
      this.#passes.push(pass)
      this.#room = INSTRUCTIONS
    }
    this.#room -= size
    return pass
  }
}

type Re2js = typeof import('re2js')

/** Loaded late: it costs 10 ms, and many a policy has no regular expression. */
function loadRe2js(): Re2js {
  return require('re2js') as Re2js
}

/** In instructions; text: why it is no regular expression. */
function sizeOf(source: string, { RE2JS, RE2JSException, RE2JSSyntaxException }: Re2js): number | string {
  try {
    return RE2JS.compile(source).programSize()
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) return faultOfRegex(source, error.error, error.input)
    if (error instanceof RE2JSException) return faultOfRegex(source, error.message, null)
    throw error
  }
}

// The expressions of Haraka's host_list_regex, matched in linear time.
// An expression that can't be used is returned as a fault; nothing throws.

import { SYNC_ONLY } from '../policy/match-budget'
import { INSTRUCTIONS, type RegexPass, RegexPasses } from '../policy/regex-pass'
import { sizeOfRegex } from '../policy/regex-patterns'

/** A longer line is a mistake, as it is in the rules. */
const EXPRESSION_CHARACTERS = 1000
/** Domains whose answer is cached, as a mail server sees the same ones often. */
const MOST_KNOWN = 1000

export class DomainExpressions {
  readonly #passes = new RegexPasses()
  readonly #used = new Set<RegexPass>()
  readonly #known = new Map<string, boolean>()

  /** Adds one line of the file. Returns its fault; undefined: there is none. */
  add(text: string): string | undefined {
    if (text.length > EXPRESSION_CHARACTERS)
      return `an expression has at most ${EXPRESSION_CHARACTERS} characters`
    const wrong = sizeOfRegex(text)
    if (typeof wrong === 'string') return wrong
    // Haraka: plugins/rcpt_to.host_list_base.js, load_host_list_regex
    const source = `(?i)^(?:${text})$`
    const instructions = sizeOfRegex(source)
    if (typeof instructions === 'string') return instructions
    if (instructions > INSTRUCTIONS)
      return `/${text}/ is too large; shorten it, or use a smaller number in {}`
    const pass = this.#passes.withRoom(instructions)
    pass.add(source, instructions)
    this.#used.add(pass)
    return undefined
  }

  /** `domain`: A-labels, lower case. */
  matches(domain: string): boolean {
    if (this.#used.size === 0) return false
    const known = this.#known.get(domain)
    if (known !== undefined) return known
    let isFound = false
    for (const pass of this.#used) {
      // a domain is short enough to be searched at once (RFC 1035: 255 octets)
      const found = pass.search(domain, SYNC_ONLY)
      isFound ||= !(found instanceof Promise) && found.length > 0
    }
    if (this.#known.size >= MOST_KNOWN) this.#known.clear()
    this.#known.set(domain, isFound)
    return isFound
  }
}

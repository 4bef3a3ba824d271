// Patterns for text and words: plain and quoted ones are looked up in a set; globs and regular expressions are tried where
// their literals were found. A pattern that can't be used is returned as a fault.

import type { Item } from '../config/items'
import { withoutLookAlikes } from '../mail/look-alikes'
import { Glob, isGlob } from './glob'
import type { Need } from './literal-search'
import { type Answer, holdsForOne, whenKnown, type YieldPolicy } from './match-budget'
import { NeedIndex } from './need-index'
import type { PatternSet } from './pattern-set'
import { RegexPatterns } from './regex-patterns'
import { literalsOfGlob, type RequiredLiterals } from './required-literals'
import type { Searches } from './searches'
import { fold, type Subject } from './subject'

export class TextPatterns implements PatternSet {
  readonly searches: Searches
  /** The literals that each glob and each expression needs; undefined: it needs none. */
  readonly needs: (Need | undefined)[] = []
  readonly #plain = new Set<string>()
  readonly #globs = new NeedIndex<Glob>()
  readonly #regexes: RegexPatterns

  constructor(searches: Searches) {
    this.searches = searches
    this.#regexes = new RegexPatterns(searches.passes, required => this.#need(required))
  }

  add(item: Item): string | undefined {
    if (item.form === 'regex') return this.#regexes.add(item)
    for (const text of new Set([item.text, withoutLookAlikes(item.text)])) this.#add(fold(text), item.form)
    return undefined
  }

  #add(folded: string, form: Item['form']): void {
    if (form === 'plain' && isGlob(folded))
      this.#globs.add(new Glob(folded), this.#need(literalsOfGlob(folded)))
    else this.#plain.add(folded)
  }

  #need(required: RequiredLiterals): Need | undefined {
    const need = this.searches.literals.add(required)
    this.needs.push(need)
    return need
  }

  /** A pattern may match any text. */
  get isOpen(): boolean {
    return this.needs.includes(undefined)
  }

  /** Folded. */
  plainTexts(): Iterable<string> {
    return this.#plain
  }

  /** False: no pattern matches. Answers at once. */
  mayMatch(subject: Subject): boolean {
    if (this.#plain.has(subject.folded)) return true
    if (this.needs.length === 0) return false
    const found = subject.literals(this.searches.literals)
    return this.#globs.find(found).length > 0 || this.#regexes.mayMatch(found)
  }

  /** Whether the text is a pattern itself, and not only a match of a glob or an expression. */
  names(text: string): boolean {
    return this.#plain.has(fold(text))
  }

  /** Some patterns would have to be the whole value. */
  get hasPlain(): boolean {
    return this.#plain.size > 0
  }

  matches(subject: Subject, yieldPolicy: YieldPolicy): Answer {
    if (this.#plain.size > 0 && this.#plain.has(subject.folded)) return true
    if (this.#globs.isEmpty && this.#regexes.isEmpty) return false
    const found = subject.literals(this.searches.literals)
    const globs = holdsForOne(this.#globs.find(found), glob => glob.matches(subject.folded), yieldPolicy)
    return whenKnown(globs, held => held || this.#regexes.matches(subject, found, yieldPolicy))
  }
}

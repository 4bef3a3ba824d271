// Patterns for text and words: plain and quoted ones are looked up in a set; globs and regular expressions are tried where
// their literals were found. A pattern that can't be used is returned as a fault.

import type { Item } from '../config/items'
import { withoutLookAlikes } from '../mail/look-alikes'
import { Glob, isGlob } from './glob'
import { type Answer, holdsForOne, whenKnown, type YieldPolicy } from './match-budget'
import { NeedIndex } from './need-index'
import type { PatternSet } from './pattern-set'
import { RegexPatterns } from './regex-patterns'
import { literalsOfGlob } from './required-literals'
import type { Searches } from './searches'
import { fold, type Subject } from './subject'

export class TextPatterns implements PatternSet {
  readonly #searches: Searches
  readonly #plain = new Set<string>()
  readonly #globs = new NeedIndex<Glob>()
  readonly #regexes: RegexPatterns

  constructor(searches: Searches) {
    this.#searches = searches
    this.#regexes = new RegexPatterns(searches.passes, searches.literals)
  }

  add(item: Item): string | undefined {
    if (item.form === 'regex') return this.#regexes.add(item)
    for (const text of new Set([item.text, withoutLookAlikes(item.text)])) this.#add(fold(text), item.form)
    return undefined
  }

  #add(folded: string, form: Item['form']): void {
    if (form === 'plain' && isGlob(folded))
      this.#globs.add(new Glob(folded), this.#searches.literals.add(literalsOfGlob(folded)))
    else this.#plain.add(folded)
  }

  /** Whether the text stands there as it is, and not only as a part of what a glob or an expression stands for. */
  names(text: string): boolean {
    return this.#plain.has(fold(text))
  }

  matches(subject: Subject, yieldPolicy: YieldPolicy): Answer {
    if (this.#plain.size > 0 && this.#plain.has(subject.folded)) return true
    if (this.#globs.isEmpty && this.#regexes.isEmpty) return false
    const found = subject.literals(this.#searches.literals)
    const globs = holdsForOne(this.#globs.find(found), glob => glob.matches(subject.folded), yieldPolicy)
    return whenKnown(globs, held => held || this.#regexes.matches(subject, found, yieldPolicy))
  }
}

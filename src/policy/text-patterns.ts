// Patterns for text and words: plain and quoted ones are looked up in a set, globs are tried one by one, regular
// expressions share a pass. A pattern that can't be used is returned as a fault.

import type { Item } from '../config/items'
import { withoutLookAlikes } from '../mail/look-alikes'
import { Glob, isGlob } from './glob'
import { type Answer, holdsForOne, whenKnown, type YieldPolicy } from './match-budget'
import type { PatternSet } from './pattern-set'
import type { RegexPasses } from './regex-pass'
import { RegexPatterns } from './regex-patterns'
import { fold, type Subject } from './subject'

export class TextPatterns implements PatternSet {
  readonly #plain = new Set<string>()
  readonly #globs: Glob[] = []
  readonly #regexes: RegexPatterns

  constructor(passes: RegexPasses) {
    this.#regexes = new RegexPatterns(passes)
  }

  add(item: Item): string | undefined {
    if (item.form === 'regex') return this.#regexes.add(item)
    for (const text of new Set([item.text, withoutLookAlikes(item.text)])) this.#add(fold(text), item.form)
    return undefined
  }

  #add(folded: string, form: Item['form']): void {
    if (form === 'plain' && isGlob(folded)) this.#globs.push(new Glob(folded))
    else this.#plain.add(folded)
  }

  /** Whether the text stands there as it is, and not only as a part of what a glob or an expression stands for. */
  names(text: string): boolean {
    return this.#plain.has(fold(text))
  }

  matches(subject: Subject, yieldPolicy: YieldPolicy): Answer {
    const text = subject.folded
    if (this.#plain.has(text)) return true
    const globs = holdsForOne(this.#globs, glob => glob.matches(text), yieldPolicy)
    return whenKnown(globs, held => held || this.#regexes.matches(subject, 'composed', yieldPolicy))
  }
}

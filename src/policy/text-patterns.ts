// Patterns for text and words: plain and quoted ones looked up in a set, globs tried one after the other.
// A pattern that can't be used comes back as a fault for a finding; matching never throws.

import type { Item } from '../settings/items'
import { Glob, isGlob } from './glob'
import type { PatternSet } from './pattern-set'
import { fold, type Subject } from './subject'

export class TextPatterns implements PatternSet {
  readonly #plain = new Set<string>()
  readonly #globs: Glob[] = []

  add(item: Item): undefined {
    const folded = fold(item.text)
    if (item.form === 'plain' && isGlob(folded)) this.#globs.push(new Glob(folded))
    else this.#plain.add(folded)
  }

  matches(subject: Subject): boolean {
    const text = subject.folded
    return this.#plain.has(text) || this.#globs.some(glob => glob.matches(text))
  }
}

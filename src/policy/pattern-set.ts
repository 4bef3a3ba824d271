// The interface of every kind of pattern. A new kind implements it.
// A faulty pattern is returned as a fault, not thrown; matching takes time linear in the value.

import type { Item } from '../config/items'
import type { Answer, YieldPolicy } from './match-budget'
import type { Subject } from './subject'

/** Patterns of one kind: a value matches the set when it matches one of them. */
export interface PatternSet {
  /** Adds a pattern. Returns its fault, with the right form. Undefined: it was added. */
  add(item: Item): string | undefined
  /** A pending answer rejects when the match budget is spent. */
  matches(subject: Subject, yieldPolicy: YieldPolicy): Answer
}

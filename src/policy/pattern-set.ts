// What every kind of pattern offers: the point where a new kind comes in.
// A faulty pattern is told, not thrown; matching takes time linear in the value.

import type { Item } from '../config/items'
import type { Answer, YieldPolicy } from './match-budget'
import type { Subject } from './subject'

/** Patterns of one kind: a value matches the set when it matches one of them. */
export interface PatternSet {
  /** What is wrong with the pattern, and what would be right; undefined: it is in. */
  add(item: Item): string | undefined
  /** An answer that takes time rejects where the mail's effort is spent. */
  matches(subject: Subject, yieldPolicy: YieldPolicy): Answer
}

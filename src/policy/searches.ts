// The searches that all patterns for the same values share: for `body`, for `subject`, or for one list.

import { LiteralSearch } from './literal-search'
import { RegexPasses } from './regex-pass'

export class Searches {
  /** Expressions, many at a time. */
  readonly passes = new RegexPasses()
  /** The literals without which a pattern can't match: search for these first. */
  readonly literals = new LiteralSearch()
}

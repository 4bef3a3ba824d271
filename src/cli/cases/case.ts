// A test case of a policy, as it is read: a mail, how it comes, and what is expected. Plain data.

import type { Given } from '../explain/assumed'
import type { Results } from '../explain/examined'

export const EXPECTABLE = ['rule', 'action', 'reason', 'reply', 'text'] as const
export type Expectable = (typeof EXPECTABLE)[number]

/** What isn't there: no rule, no reason, no reply, no text. */
export const NONE = 'none'

export interface Expectation {
  what: Expectable
  line: number
  /** For all recipients alike, or one for each; of reply and text always one. */
  values: readonly string[]
}

export interface TestCase {
  name: string
  line: number
  /** Made when it is run: it may be large. */
  raw: () => Buffer | Promise<Buffer>
  given: Given
  results: Results
  expectations: readonly Expectation[]
}

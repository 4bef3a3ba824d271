// A test case of a policy: a mail, its delivery, and the expected decision. Plain data.

import type { Given } from '../explain/assumed'
import type { Results } from '../explain/examined'

export const EXPECTABLE = ['rule', 'action', 'reason', 'reply', 'text'] as const
export type Expectable = (typeof EXPECTABLE)[number]

/** The word for no rule, no reason, no reply or no text. */
export const NONE = 'none'

export interface Expectation {
  what: Expectable
  line: number
  /** One value for all recipients, or one for each. Reply and text always have one. */
  values: readonly string[]
}

export interface TestCase {
  name: string
  line: number
  /** Made when the case runs, as it may be large. */
  raw: () => Buffer | Promise<Buffer>
  given: Given
  results: Results
  expectations: readonly Expectation[]
}

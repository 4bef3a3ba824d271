// One entry of the reference: the description of a name in a configuration, a reply or the log.
// Plain data, made of the tables; the page and `check --explain` show the same.

import type { Action } from '../policy/decision'

export type Topic =
  | 'setting'
  | 'condition'
  | 'kind of condition'
  | 'pattern'
  | 'outcome key'
  | 'template name'
  | 'guard'
  | 'fallback reason'
  | 'not available yet'

export interface Entry {
  topic: Topic
  /** As it is written: `[limit] interval`, `attachment.name`, `{size}`. */
  name: string
  meaning: string
  /** Of a condition: what kind of patterns it takes. */
  kind?: string
  /** What its values are. */
  takes?: string
  /** As it would be written, or in words. */
  default?: string
  /** In which conditions or keys it stands. */
  where?: string
  /** Of an outcome key: the actions that it goes with. */
  actions?: readonly Action[]
  /** As it stands in the file. */
  example?: string
  /** What it says in the reply and in the log. */
  says?: readonly string[]
  /** Where the rule is from. */
  source?: string
  /** Of a fallback reason: the status of the refusal. */
  status?: string
  note?: string
  /** What holds for all of its section. */
  about?: string
  /** File and anchor in the package. */
  page: string
  /** By which names it is asked for, in lower case. */
  names: readonly string[]
}

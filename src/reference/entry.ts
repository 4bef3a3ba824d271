// One entry of the reference: the description of a name in a configuration, a reply or the log.
// Plain data, made from the tables. The page and `check --explain` show the same.

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

export interface Entry {
  topic: Topic
  /** The name as users write it: `[limit] interval`, `attachment.name`, `{size}`. */
  name: string
  meaning: string
  /** For a condition: the kind of its patterns. */
  kind?: string
  /** The form of its values. */
  values?: string
  /** The default as it would be written, or in words. */
  default?: string
  /** The conditions or keys that may hold it. */
  where?: string
  /** For an outcome key: the actions that it is valid with. */
  actions?: readonly Action[]
  /** An example as written in the file. */
  example?: string
  /** Its words in the reply and in the log. */
  words?: readonly string[]
  /** The standard that it follows. */
  source?: string
  /** For a fallback reason: the status of a refusal. */
  status?: string
  note?: string
  /** The description of its whole section. */
  about?: string
  /** File and anchor in the package. */
  page: string
  /** The names by which it can be found, in lower case. */
  names: readonly string[]
}

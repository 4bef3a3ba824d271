// One rule checked for one recipient, in the form of `explain --json`: whether it holds, and if not, the failed
// condition. Pure. Values are shortened, as a mail may hold megabytes of them.

import { splitItems } from '../../config/items'
import type { Action } from '../../policy/decision'
import type { Condition, Rule } from '../../policy/rule'
import type { RuleTrace } from '../../policy/trace'

export interface ExplainedRule {
  name: string
  /** The line of its section in ses-bounce-rules.ini. */
  line: number
  /** `observe`: it decides nothing, whether or not it holds. */
  mode: Rule['mode']
  /** The rule's action. */
  action: Action
  /** The recipient of record. */
  recipient: string
  holds: boolean
  /** The reason why it isn't known whether it holds. It then decides by its fallback. */
  unreadable?: string
  /** The reason why it isn't checked: `nobody refused`. */
  notAsked?: string
  /** The first condition that doesn't hold. */
  failed?: {
    line: number
    /** The key as the file has it: `not.recipient`. */
    key: string
    /** The first values of the mail, each shortened. */
    value: (string | number)[]
    /** The number of all values. */
    values: number
    /** The patterns. */
    wanted: string
  }
}

const SHOWN_VALUES = 20
const SHOWN_CHARACTERS = 200

export function explainRule({
  rule,
  recipient,
  failed,
  unreadable,
  notChecked,
  values,
}: RuleTrace): ExplainedRule {
  const { name, line, mode, outcome } = rule
  const explained = {
    name,
    line,
    mode,
    action: outcome.action,
    recipient: recipient.address,
    holds: failed === undefined && unreadable === undefined && notChecked === undefined,
    ...(unreadable !== undefined && { unreadable }),
    ...(notChecked !== undefined && { notAsked: notChecked }),
  }
  if (failed === undefined) return explained
  return {
    ...explained,
    failed: {
      line: failed.line,
      key: failed.key,
      value: values.slice(0, SHOWN_VALUES).map(shortened),
      values: values.length,
      wanted: patternsOf(failed),
    },
  }
}

function shortened<T extends string | number>(value: T): T | string {
  return typeof value === 'string' && value.length > SHOWN_CHARACTERS
    ? `${value.slice(0, SHOWN_CHARACTERS)}...`
    : value
}

/** The patterns as the file has them, without a comment. */
function patternsOf({ value }: Condition): string {
  const { items } = splitItems(value)
  const texts = items.map(({ text, form, flags }) => {
    if (form === 'regex') return `/${text.replaceAll('/', '\\/')}/${flags}`
    return form === 'quoted' ? `"${text}"` : text
  })
  return shortened(texts.join(', '))
}

// Whether a rule means a refuser that must be named: its refusals tell nothing about the sender, or may be faults. Pure.

import type { Refusal } from '../mail/refusal'
import { BY_NAME_ONLY } from '../mail/refusing-plugins'
import { namesPlainly } from './patterns'
import type { Condition } from './rule'

/** False: the rule doesn't name the refuser, and one like it isn't meant by a glob, by `not.` or by silence. */
export function meansRefuser(
  { conditions }: { conditions: readonly Condition[] },
  { by }: Pick<Refusal, 'by'>,
): boolean {
  return (
    !BY_NAME_ONLY.includes(by) ||
    conditions.some(
      ({ field, negated, matcher }) => field.name === 'refused.by' && !negated && namesPlainly(matcher, by),
    )
  )
}

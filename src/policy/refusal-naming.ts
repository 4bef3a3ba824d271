// The refusers that a rule is about, by its conditions alone. Pure.
// The refusals of some tell nothing about the sender, or may be faults: a rule must name them.

import { splitItems } from '../config/items'
import type { Refusal } from '../mail/refusal'
import { BY_NAME_ONLY, loadedName } from '../mail/refusing-plugins'
import { isGlob } from './glob'
import { SYNC_ONLY } from './match-budget'
import { matches, namesPlainly } from './patterns'
import type { Condition, Rule } from './rule'
import { Subject } from './subject'

/** False: the rule doesn't name the refuser, and one like it isn't meant by a glob, by `not.` or by silence. */
export function meansRefuser(
  { conditions }: { conditions: readonly Condition[] },
  { by, hasError }: Pick<Refusal, 'by' | 'hasError'>,
): boolean {
  return (
    (!hasError && !BY_NAME_ONLY.includes(by)) ||
    conditions.some(
      ({ field, negated, matcher }) => field.name === 'refused.by' && !negated && namesPlainly(matcher, by),
    )
  )
}

/** Whether the rule may be about a refusal by that plugin at that stage, whatever its other conditions ask. */
export function mayMean(rule: Rule, { by, stage }: Pick<Refusal, 'by' | 'stage'>): boolean {
  const values = new Map([
    ['refused.by', by],
    ['refused.stage', stage],
  ])
  const holds = ({ field, matcher, negated }: Condition) => {
    const value = values.get(field.name)
    return value === undefined || matches(matcher, new Subject(value), SYNC_ONLY) !== negated
  }
  return rule.ofRefusals && meansRefuser(rule, { by }) && rule.conditions.every(holds)
}

/** The plugins that stand in the rule itself, under the names by which Haraka loads them. */
export function namedRefusers({ conditions }: Rule): { name: string; line: number }[] {
  return conditions
    .filter(({ field, negated }) => field.name === 'refused.by' && !negated)
    .flatMap(({ value, line }) =>
      splitItems(value)
        .items.filter(
          ({ form, text }) =>
            form === 'quoted' || (form === 'plain' && !isGlob(text) && !text.startsWith('file:')),
        )
        .map(({ text }) => ({ name: loadedName(text), line })),
    )
}

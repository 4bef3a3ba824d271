// Finds out, before the header is parsed, whether any rule can match a mail.
// It may answer yes too often, but never no for a mail that a rule would decide about.

import { type CheapFacts, FIELDS, type Field } from './fields'
import { glance, type YieldPolicy } from './match-budget'
import { matches } from './patterns'
import type { Condition, Policy } from './rule'
import { Subject } from './subject'

/** False: every recipient is accepted, and no rule in mode observe holds, whatever the header contains. */
export function mightMatchAnyRule(
  policy: Policy,
  cheap: CheapFacts,
  yieldPolicy: YieldPolicy = glance(),
): boolean {
  // a refused recipient is never accepted, even if no rule holds
  if (cheap.envelope.recipients.some(({ refusals = [] }) => refusals.length > 0)) return true
  const candidates = new Map<Field, readonly Subject[]>()
  for (const field of FIELDS) {
    const values = field.candidates?.(cheap)
    if (values !== undefined)
      candidates.set(
        field,
        values.map(value => new Subject(value)),
      )
  }
  for (const { mode, outcome, conditions } of policy.index.candidates(({ field }) => candidates.get(field))) {
    if (outcome.action === 'accept' && mode === 'enforce') continue
    if (yieldPolicy.isDue() || mayHold(conditions, candidates, yieldPolicy)) return true
  }
  return false
}

function mayHold(
  conditions: readonly Condition[],
  candidates: ReadonlyMap<Field, readonly Subject[]>,
  yieldPolicy: YieldPolicy,
): boolean {
  for (const condition of conditions) {
    const subjects = candidates.get(condition.field)
    if (subjects !== undefined && !mayBe(condition, subjects, yieldPolicy)) return false
  }
  return true
}

function mayBe(
  { matcher, negated }: Condition,
  subjects: readonly Subject[],
  yieldPolicy: YieldPolicy,
): boolean {
  for (const subject of subjects) {
    // a pending answer counts as yes
    if (yieldPolicy.isDue() || matches(matcher, subject, yieldPolicy) !== negated) return true
  }
  return false
}

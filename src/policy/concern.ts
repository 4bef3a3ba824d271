// Whether any rule can concern a mail, by what is known before its header is parsed.
// It may say yes too often, never no too often: a mail that a rule would decide is always looked at.

import { IMPATIENT } from './effort'
import { type CheapFacts, FIELDS, type Field } from './fields'
import { matches } from './patterns'
import type { Condition, Policy } from './rule'
import { Subject } from './subject'

/** False: whatever the header says, every recipient is accepted, and no rule in mode observe has anything to note. */
export function mayConcern(policy: Policy, cheap: CheapFacts): boolean {
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
    if (mayHold(conditions, candidates)) return true
  }
  return false
}

function mayHold(
  conditions: readonly Condition[],
  candidates: ReadonlyMap<Field, readonly Subject[]>,
): boolean {
  for (const condition of conditions) {
    const subjects = candidates.get(condition.field)
    if (subjects !== undefined && !mayBe(condition, subjects)) return false
  }
  return true
}

function mayBe({ matcher, negated }: Condition, subjects: readonly Subject[]): boolean {
  for (const subject of subjects) {
    // an answer that takes time may be either
    if (matches(matcher, subject, IMPATIENT) !== negated) return true
  }
  return false
}

// Each rule beside each recipient of a mail, whether or not an earlier one has decided: for those who ask why.
// Rejects as `decide` does.

import type { MailFacts, RecipientFacts } from '../mail/facts'
import { UnreadableError } from '../mail/unreadable'
import type { Effort } from './effort'
import { failingCondition, type Values, valuesByRecipient } from './evaluate'
import type { Condition, Policy, Rule } from './rule'

export interface RuleTrace {
  rule: Rule
  recipient: RecipientFacts
  /** The first condition that doesn't hold, in the order in which they are asked; without one the rule holds. */
  failed?: Condition
  /** Nobody knows whether the rule holds, for that reason: it decides by its fallback. */
  unreadable?: string
  /** What that condition was asked about. */
  values: readonly (string | number)[]
}

/** By recipient, then in the order of the rules. */
export async function traceRules(
  { rules }: Policy,
  facts: MailFacts,
  nowMs: number,
  effort: Effort,
): Promise<RuleTrace[]> {
  const valuesFor = valuesByRecipient(facts, nowMs, effort)
  const traces: RuleTrace[] = []
  for (const recipient of facts.recipients) {
    const values = valuesFor(recipient)
    for (const rule of rules) traces.push(await traceRule(rule, recipient, values, effort))
  }
  return traces
}

async function traceRule(
  rule: Rule,
  recipient: RecipientFacts,
  values: Values,
  effort: Effort,
): Promise<RuleTrace> {
  try {
    const failed = await failingCondition(rule, values, effort)
    if (failed === undefined) return { rule, recipient, values: [] }
    const { subjects } = await values(failed)
    return { rule, recipient, failed, values: subjects.map(({ value }) => value) }
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error
    return { rule, recipient, unreadable: error.message, values: [] }
  }
}

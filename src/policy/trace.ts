// Checks each rule for each recipient of a mail, even after a rule has decided: for `explain`. Rejects as `decide` does.

import type { MailFacts, RecipientFacts } from '../mail/facts'
import { UnreadableError } from '../mail/unreadable'
import { failingCondition, type Values, valuesByRecipient } from './evaluate'
import type { MatchBudget } from './match-budget'
import type { Condition, Policy, Rule } from './rule'

export interface RuleTrace {
  rule: Rule
  recipient: RecipientFacts
  /** The first condition that doesn't hold, in the order in which they are checked. Undefined: the rule holds. */
  failed?: Condition
  /** The reason why it isn't known whether the rule holds. The rule then decides by its fallback. */
  unreadable?: string
  /** The values that the condition compared. */
  values: readonly (string | number)[]
}

/** For each recipient, the checks in the order of the rules. */
export async function traceRules(
  { rules }: Policy,
  facts: MailFacts,
  nowMs: number,
  budget: MatchBudget,
): Promise<RuleTrace[]> {
  const valuesFor = valuesByRecipient(facts, nowMs, budget)
  const traces: RuleTrace[] = []
  for (const recipient of facts.recipients) {
    const values = valuesFor(recipient)
    for (const rule of rules) traces.push(await traceRule(rule, recipient, values, budget))
  }
  return traces
}

async function traceRule(
  rule: Rule,
  recipient: RecipientFacts,
  values: Values,
  budget: MatchBudget,
): Promise<RuleTrace> {
  try {
    const failed = await failingCondition(rule, values, budget)
    if (failed === undefined) return { rule, recipient, values: [] }
    const { subjects } = await values(failed)
    return { rule, recipient, failed, values: subjects.map(({ value }) => value) }
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error
    return { rule, recipient, unreadable: error.message, values: [] }
  }
}

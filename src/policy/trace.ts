// Checks each rule for each recipient of a mail, even after a rule has decided: for `explain`. Rejects as `decide` does.

import type { MailFacts, RecipientFacts } from '../mail/facts'
import { UnreadableError } from '../mail/unreadable'
import type { EpochMs } from '../units'
import { failingCondition, type Values, valuesByRecipient, valuesWithRefusal } from './evaluate'
import type { MatchBudget } from './match-budget'
import { meansRefuser } from './refusal-naming'
import type { Condition, Policy, Rule } from './rule'
import { standsFor } from './standing'

export interface RuleTrace {
  rule: Rule
  recipient: RecipientFacts
  /** The first condition that doesn't hold, in the order in which they are checked. Undefined: the rule holds. */
  failed?: Condition
  /** The reason why it isn't known whether the rule holds. The rule then decides by its fallback. */
  unreadable?: string
  /** The reason why the rule isn't checked. */
  notChecked?: string
  /** The values that the condition compared. */
  values: readonly (string | number)[]
}

/** The checks for each recipient, in the order of the rules. */
export async function traceRules(
  policy: Policy,
  facts: MailFacts,
  nowMs: EpochMs,
  budget: MatchBudget,
  recipients: readonly RecipientFacts[] = facts.recipients,
): Promise<RuleTrace[]> {
  const valuesFor = valuesByRecipient(facts, nowMs, budget)
  const traces: RuleTrace[] = []
  for (const recipient of recipients) {
    const values = valuesFor(recipient)
    for (const rule of policy.rules)
      traces.push(
        await (recipient.envelope.refusals?.length
          ? traceRefused(policy, rule, recipient, values, budget)
          : traceUnrefused(rule, recipient, values, budget)),
      )
  }
  return traces
}

async function traceUnrefused(
  rule: Rule,
  recipient: RecipientFacts,
  values: Values,
  budget: MatchBudget,
): Promise<RuleTrace> {
  if (rule.ofRefusals) return { rule, recipient, notChecked: 'nobody refused', values: [] }
  return traceRule(rule, recipient, values, budget)
}

/** The first refusal for which the rule holds, else the first for which it is checked. */
async function traceRefused(
  policy: Policy,
  rule: Rule,
  recipient: RecipientFacts,
  values: Values,
  budget: MatchBudget,
): Promise<RuleTrace> {
  const notChecked = (reason: string): RuleTrace => ({ rule, recipient, notChecked: reason, values: [] })
  const { refusals = [], address } = recipient.envelope
  const [first] = refusals
  if (!rule.ofRefusals) return notChecked(`refused by ${first?.by ?? ''}`)
  const standing = refusals.map(one => standsFor(policy, address, one)).find(reason => reason !== undefined)
  if (standing !== undefined) return notChecked(`the refusal stands: ${standing}`)
  const traces: RuleTrace[] = []
  for (const refusal of refusals.filter(one => meansRefuser(rule, one))) {
    const trace = await traceRule(rule, recipient, valuesWithRefusal(values, refusal), budget)
    if (trace.failed === undefined) return trace
    traces.push(trace)
  }
  return traces[0] ?? notChecked(`refused.by doesn't name "${first?.by ?? ''}"`)
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
    return {
      rule,
      recipient,
      failed,
      values: subjects.filter(({ isReading }) => !isReading).map(({ value }) => value),
    }
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error
    return { rule, recipient, unreadable: error.message, values: [] }
  }
}

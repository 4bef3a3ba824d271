// Finds the first rule that holds for a recipient; of a refused one, the first that holds for one of their refusals.
// Throws only when content can't be read for now, or the mail's match budget is spent.

import { errorMessage } from '../errors'
import { type Steps, wait } from '../eventually'
import type { RecipientFacts } from '../mail/facts'
import type { Refusal } from '../mail/refusal'
import { UnreadableError } from '../mail/unreadable'
import type { Decision } from './decision'
import { failingCondition, type Values, valuesWithRefusal } from './evaluate'
import type { MatchBudget } from './match-budget'
import { meansRefuser } from './refusal-naming'
import type { Policy, Rule } from './rule'
import type { KnownValues } from './rule-index'
import { Subject } from './subject'

export interface FoundRule {
  rule?: Rule
  /** The refusal for which it holds. */
  refusal?: Refusal
  observed: Decision['observed']
  /** It can't be known whether the rule holds. */
  unreadable?: UnreadableError
}

/** `ruledOut`: rules that can't hold for any recipient, which are checked only once. */
export function* firstRule(
  policy: Policy,
  recipient: RecipientFacts,
  values: Values,
  budget: MatchBudget,
  ruledOut: Set<Rule>,
): Steps<FoundRule> {
  const observed: Decision['observed'] = []
  const { refusals = [] } = recipient.envelope
  const questions = questionsAbout(values, refusals)
  const index = refusals.length > 0 ? policy.refusalIndex : policy.index
  for (const rule of index.candidates(knownTo(values, refusals))) {
    if (ruledOut.has(rule)) continue
    const { name, mode, outcome } = rule
    budget.charge(mode)
    let refusal: Refusal | undefined
    let holds = false
    try {
      if (budget.isDue()) yield* wait(budget.pause())
      for (const question of questions) {
        refusal = question.refusal
        if (refusal !== undefined && !meansRefuser(rule, refusal)) continue
        // most answers are available at once
        const failed = yield* wait(failingCondition(rule, question.values, budget))
        holds = failed === undefined
        if (failed?.field.perRecipient === false) ruledOut.add(rule)
        if (holds || ruledOut.has(rule)) break
      }
      if (!holds) continue
    } catch (error) {
      if (mode === 'enforce' && error instanceof UnreadableError)
        return { rule, observed, unreadable: error, ...(refusal && { refusal }) }
      const fault = cannotBeAsked(rule, error)
      if (mode === 'enforce') throw fault
      observed.push({ rule: name, action: outcome.action, fault: fault.message })
      continue
    }
    if (mode === 'enforce') return { rule, observed, ...(refusal && { refusal }) }
    observed.push({ rule: name, action: outcome.action })
  }
  return { observed }
}

interface RuleQuestion {
  values: Values
  refusal?: Refusal
}

function questionsAbout(values: Values, refusals: readonly Refusal[]): readonly RuleQuestion[] {
  if (refusals.length === 0) return [{ values }]
  return refusals.map(refusal => ({ values: valuesWithRefusal(values, refusal), refusal }))
}

/** Adds the rule's name to an error about content or the match budget. */
export function cannotBeAsked({ name }: Rule, error: unknown): Error {
  const reason = errorMessage(error)
  return new Error(`[${name}] can't be checked: ${reason}`, { cause: error })
}

function knownTo(values: Values, refusals: readonly Refusal[]): KnownValues {
  return condition => {
    const { ofRefusal } = condition.field
    // a rule may hold for any of them
    if (ofRefusal !== undefined) return refusals.map(refusal => new Subject(ofRefusal(refusal)))
    const asked = values.known(condition)
    // any rule may hold that asks for a value that was cut
    return asked === undefined || asked.isCut ? undefined : asked.subjects
  }
}

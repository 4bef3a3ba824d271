// Whether a policy has a rule about refusals of a server behind Haraka. Pure; the answer is remembered for each policy.

import { SYNC_ONLY } from './match-budget'
import { matches } from './patterns'
import type { Condition, Policy, Rule } from './rule'
import { Subject } from './subject'

/** Plugins and stages at which such a server refuses. */
type Place = Readonly<Record<'refused.by' | 'refused.stage', string>>

const DELIVERY: Place = { 'refused.by': 'outbound', 'refused.stage': 'delivery' }
const FORWARD: Place = { 'refused.by': 'queue/smtp_forward', 'refused.stage': 'queue' }

interface Asked {
  /** A rule of any mode may hold for a delivery that failed. */
  delivery: boolean
  /** An enforced rule may. */
  enforced: boolean
  /** An enforced rule may hold for that, or for what queue/smtp_forward refuses. */
  forward: boolean
}

const known = new WeakMap<Policy, Asked>()

export function asksDelivery(policy: Policy): Asked {
  const asked = known.get(policy) ?? asksOf(policy)
  known.set(policy, asked)
  return asked
}

function asksOf({ rules }: Policy): Asked {
  const enforced = rules.filter(({ mode }) => mode === 'enforce')
  return {
    delivery: rules.some(rule => mayHoldAt(rule, DELIVERY)),
    enforced: enforced.some(rule => mayHoldAt(rule, DELIVERY)),
    forward: enforced.some(rule => mayHoldAt(rule, DELIVERY) || mayHoldAt(rule, FORWARD)),
  }
}

function mayHoldAt({ conditions }: Rule, place: Place): boolean {
  return (
    conditions.some(({ field }) => field.name.startsWith('refused.')) &&
    conditions.every(condition => mayBe(condition, place))
  )
}

function mayBe({ field, matcher, negated }: Condition, place: Place): boolean {
  const value = Object.entries(place).find(([name]) => name === field.name)?.[1]
  return value === undefined || matches(matcher, new Subject(value), SYNC_ONLY) !== negated
}

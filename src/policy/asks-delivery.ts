// Whether a policy has a rule about refusals of a server behind Haraka. Pure; the answer is remembered for each policy.

import { OUTBOUND } from '../mail/refusing-plugins'
import { mayMean } from './refusal-naming'
import type { Policy } from './rule'

const DELIVERY = { by: OUTBOUND, stage: 'delivery' } as const
const FORWARD = { by: 'queue/smtp_forward', stage: 'queue' } as const

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
  const before = known.get(policy)
  if (before !== undefined) return before
  const asked = asksOf(policy)
  known.set(policy, asked)
  return asked
}

function asksOf({ rules }: Policy): Asked {
  const enforced = rules.filter(({ mode }) => mode === 'enforce')
  return {
    delivery: rules.some(rule => mayMean(rule, DELIVERY)),
    enforced: enforced.some(rule => mayMean(rule, DELIVERY)),
    forward: enforced.some(rule => mayMean(rule, DELIVERY) || mayMean(rule, FORWARD)),
  }
}

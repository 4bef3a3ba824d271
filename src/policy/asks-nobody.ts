// Whether a policy has a rule about recipients that no plugin accepts. Pure; the answer is remembered for each policy.

import { NOBODY } from '../mail/refusing-plugins'
import { mayMean } from './refusal-naming'
import type { Policy } from './rule'

const REFUSAL = { by: NOBODY, stage: 'rcpt' } as const

const known = new WeakMap<Policy, boolean>()

export function asksNobody(policy: Policy): boolean {
  const before = known.get(policy)
  if (before !== undefined) return before
  const asks = policy.rules.some(rule => mayMean(rule, REFUSAL))
  known.set(policy, asks)
  return asks
}

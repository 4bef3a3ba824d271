// Whether a rule may turn a refusal into something else, by the facts that are known when it comes.
// It may answer yes too often, never no for a refusal that a rule would turn: the rest is decided when the mail is there.

import type { Refusal } from '../mail/refusal'
import { standsAlways } from '../mail/standing-refusals'
import { SYNC_ONLY } from './match-budget'
import { matches } from './patterns'
import { meansRefuser } from './refusal-naming'
import type { Condition, Policy, Rule } from './rule'
import { standsFor } from './standing'
import { Subject } from './subject'

export interface RefusedNow {
  /** The address in MAIL FROM; '' is the null sender. */
  sender: string
  /** The address in RCPT TO. Undefined: at MAIL there is none yet. */
  recipient: string | undefined
  relayIp: string
  refusal: Refusal
}

/** The recipient (or the mail) is accepted for the time being, and decided when the mail is there. */
export function mayBounce(policy: Policy, refused: RefusedNow): boolean {
  for (const { rule, isCertain } of rulesThatMayHold(policy, refused)) {
    if (rule.mode === 'observe') continue
    if (rule.outcome.action !== 'reject') return true
    if (isCertain) return false
  }
  return false
}

/**
 * The rules about refusals, in their order, that may hold for this one. `isCertain`: all that they ask is known, so they do.
 * None for a refusal that always stands.
 */
export function* rulesThatMayHold(
  policy: Policy,
  refused: RefusedNow,
): Generator<{ rule: Rule; isCertain: boolean }, void> {
  const { recipient, refusal } = refused
  const reason = recipient === undefined ? standsAlways(refusal) : standsFor(policy, recipient, refusal)
  if (reason !== undefined) return
  const known = knownValues(refused)
  for (const rule of policy.refusalIndex.candidates(condition => known(condition))) {
    if (!meansRefuser(rule, refusal)) continue
    const held = rule.conditions.map(condition => holds(condition, known(condition)))
    if (!held.includes(false)) yield { rule, isCertain: held.every(one => one === true) }
  }
}

/** Rules in mode observe that may hold before one that decides; `isObserved`: that one, too, as nothing is done about any. */
export function observedRules(policy: Policy, refused: RefusedNow, isObserved: boolean): string[] {
  const names: string[] = []
  for (const { rule, isCertain } of rulesThatMayHold(policy, refused)) {
    const isEnforced = rule.mode === 'enforce'
    if (!isEnforced || isObserved) names.push(rule.name)
    if (isEnforced && (isCertain || isObserved)) break
  }
  return names
}

/** Undefined: not known yet. */
function knownValues({ sender, recipient, relayIp, refusal }: RefusedNow) {
  const known = new Map<string, readonly Subject[]>([
    ['envelope.sender', [new Subject(sender)]],
    ['relay.ip', [new Subject(relayIp)]],
    ...(recipient === undefined ? [] : [['envelope.recipient', [new Subject(recipient)]] as const]),
  ])
  return ({ field }: Condition): readonly Subject[] | undefined => {
    if (field.ofRefusal !== undefined && !known.has(field.name))
      known.set(field.name, [new Subject(field.ofRefusal(refusal))])
    return known.get(field.name)
  }
}

function holds(
  { matcher, negated }: Condition,
  subjects: readonly Subject[] | undefined,
): boolean | 'unknown' {
  const [subject] = subjects ?? []
  if (subject === undefined || subject.isCut) return 'unknown'
  const answer = matches(matcher, subject, SYNC_ONLY)
  return typeof answer === 'boolean' ? answer !== negated : 'unknown'
}

// Replaces a bounce that can't be made by the rule's own fallback, or that of [fallback].
// Mail that the policy refused is never delivered because of our fault; a rule with `deliver` still delivers.

import type { FallbackAction, FallbackReason } from '../config/settings'
import { printable } from '../mail/printable'
import { inClass, TYPE_TEXTS } from './bounce-types'
import type { Decision, Reply } from './decision'
import type { Policy } from './rule'
import { REPLY_CHARACTERS } from './templates'

/**
 * RFC 3463: 5.4.7 delivery time expired, 5.4.5 mail system congestion (section 3.5), 5.3.1 mail system full
 * (3.4), 5.6.0 other media error (3.7).
 */
export const REASON_STATUS: Partial<Record<FallbackReason, string>> = {
  expired: '5.4.7',
  overload: '5.4.5',
  full: '5.3.1',
  unreadable: '5.6.0',
}
/** The most characters of a detail in replies and logs. */
const DETAIL_CHARACTERS = 128

/** Turns a decision for a bounce into its fallback. `detail`: the reason in few words. */
export function fallBack(
  policy: Policy,
  decision: Decision,
  reason: FallbackReason,
  detail: string,
): Decision {
  const { bounce, reply: _, ...rest } = decision
  const said: Reply = bounce
    ? {
        status: bounce.recipient.status,
        text: bounce.explanation ?? TYPE_TEXTS[bounce.recipient.bounceType].text,
      }
    : { status: TYPE_TEXTS.Undefined.status, text: TYPE_TEXTS.Undefined.text }
  return fallBackSaying(policy, rest, said, reason, detail)
}

/** `said`: the rule's own status and text. Those of a refusal go before: the relay would have read them without us. */
export function fallBackSaying(
  policy: Policy,
  decision: Omit<Decision, 'bounce' | 'reply'>,
  said: Reply,
  reason: FallbackReason,
  detail: string,
): Decision {
  const chosen = fallbackAction(policy, decision, reason)
  // a mail that another plugin refused is never delivered
  const action = chosen === 'accept' && decision.refusal ? 'reject' : chosen
  const shown = printable(detail).slice(0, DETAIL_CHARACTERS)
  const fallback = { reason, detail: shown }
  const done = { ...decision, action, fallback, deliver: false }
  if (action !== 'reject' && action !== 'defer') return done
  const ending = decision.wanted === 'bounce' ? ` (not bounced: ${shown})` : ` (${shown})`
  const { refusal } = decision
  const words = refusal?.reply || said.text
  const text = words.slice(0, REPLY_CHARACTERS - ending.length).trim() + ending
  const status = refusal?.status ?? REASON_STATUS[reason] ?? said.status
  return { ...done, reply: { status: inClass(action, status), text } }
}

function fallbackAction(
  policy: Policy,
  decision: Pick<Decision, 'rule'>,
  reason: FallbackReason,
): FallbackAction {
  const outcome = policy.rules.find(({ name }) => name === decision.rule)?.outcome
  if (outcome?.action !== 'bounce') return policy.fallback[reason]
  // there is no room for the quarantine that the rule asks for
  if (reason === 'full' && outcome.fallback === 'quarantine') return policy.fallback.full
  return outcome.fallback ?? (outcome.deliver ? 'accept' : policy.fallback[reason])
}

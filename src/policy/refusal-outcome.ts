// Takes from a refusal all that a rule leaves to it: a bounce's type, status and diagnostic, the reply, names in texts.

import type { Refusal } from '../mail/refusal'
import { REPLY_TEXTS, TYPE_TEXTS } from './bounce-types'
import type { BounceType, Decision } from './decision'
import { bounceTypeOf } from './refusal-types'
import type { BounceOutcome } from './rule'
import { parseTemplate, REFUSAL_NAMES, type Template } from './templates'

/** The reply as the sender's own server would have read it. A reply without words gets the words of the type. */
function diagnosticOf({ reply }: Refusal, type: BounceType): Template {
  const words = reply === '' ? TYPE_TEXTS[type].text : '{reason}'
  return parseTemplate(`smtp; {code} {status} ${words}`, REFUSAL_NAMES).template
}

export function withRefusal(outcome: BounceOutcome, refusal: Refusal): BounceOutcome {
  const { fromRefusal } = outcome
  const type = fromRefusal.includes('type') ? bounceTypeOf(refusal) : outcome.type
  return {
    ...outcome,
    type,
    ...(fromRefusal.includes('status') && { status: refusal.status }),
    ...(fromRefusal.includes('diagnostic') && { diagnostic: diagnosticOf(refusal, type) }),
  }
}

/** No rule makes anything else of it: the relay hears the refusal itself. */
export function standingRefusal(
  refusal: Refusal,
  decision: Pick<Decision, 'recipient' | 'observed'>,
): Decision {
  const reply = { status: refusal.status, text: refusal.reply || REPLY_TEXTS.reject.text }
  return { ...decision, wanted: 'reject', action: 'reject', deliver: false, refusal, reply }
}

// What a rule leaves to the refusal: type, status and diagnostic of the bounce, the reply, and the names in texts. Pure.

import type { Refusal } from '../mail/refusal'
import { REPLY_TEXTS } from './bounce-types'
import type { Decision } from './decision'
import { bounceTypeOf } from './refusal-types'
import type { BounceOutcome } from './rule'
import { parseTemplate, REFUSAL_NAMES, type Template } from './templates'

/** As the server of the sender's own mail would have read it. */
const DIAGNOSTIC: Template = parseTemplate('smtp; {code} {status} {reason}', REFUSAL_NAMES).template

export function withRefusal(outcome: BounceOutcome, refusal: Refusal): BounceOutcome {
  const { fromRefusal } = outcome
  return {
    ...outcome,
    ...(fromRefusal.includes('type') && { type: bounceTypeOf(refusal) }),
    ...(fromRefusal.includes('status') && { status: refusal.status }),
    // without words, the type's own stand there
    ...(fromRefusal.includes('diagnostic') && refusal.reply !== '' && { diagnostic: DIAGNOSTIC }),
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

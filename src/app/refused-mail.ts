// Decisions about a mail that another plugin has refused as a whole: for all its recipients, or for none. Pure.

import { domainOf } from '../mail/address'
import type { RefusalStage } from '../mail/refusal'
import { REPLY_TEXTS } from '../policy/bounce-types'
import type { Decision } from '../policy/decision'
import type { AsciiDomain } from '../units'

/** The stages at which a refusal is one for all recipients. */
const OF_MAIL: ReadonlySet<RefusalStage> = new Set(['mail', 'data'])

/** The text for several recipients that a queue plugin refused at once. */
const NOT_KNOWN_WHICH = 'refused at once with others, and which of them is not known'

/**
 * Where a refusal of the whole mail stands for one recipient, it stands for all: SMTP has one reply, and the sender of a mail
 * that the relay still has needs no bounce. For a recipient at a domain that isn't ours it always stands.
 */
export function refusedAsWhole(
  decisions: readonly Decision[],
  receivesFor: (domain: AsciiDomain) => boolean,
): Decision[] {
  const ofMail = decisions
    .flatMap(({ recipient }) => recipient.envelope.refusals ?? [])
    .find(({ stage }) => OF_MAIL.has(stage))
  const isOurs = ({ recipient: { envelope } }: Decision) => receivesFor(domainOf(envelope.address) ?? '')
  if (ofMail === undefined || decisions.every(one => isOurs(one) && !stands(one))) return [...decisions]
  const reply = { status: ofMail.status, text: ofMail.reply || REPLY_TEXTS.reject.text }
  return decisions.map(({ recipient, observed }) => ({
    recipient,
    wanted: 'reject',
    action: 'reject',
    deliver: false,
    reply,
    refusal: ofMail,
    observed,
  }))
}

/** A queue plugin refused several recipients with one reply: if no rule is about one of them, its refusal stands for all. */
export function refusedTogether(decisions: readonly Decision[]): Decision[] {
  const standing = decisions.find(stands)
  return decisions.map(decision => {
    if (standing !== undefined) return { ...standing, recipient: decision.recipient }
    if (decision.action !== 'bounce' || decision.bounce === undefined) return decision
    const { bounce: _, ...rest } = decision
    return { ...rest, action: 'quarantine', fallback: { reason: 'mismatch', detail: NOT_KNOWN_WHICH } }
  })
}

/** No rule is about the refusal. */
function stands({ rule, refusal }: Decision): boolean {
  return rule === undefined && refusal !== undefined
}

// Refusals that the relay hears at MAIL or RCPT: their recipients are no part of the mail about which rules decide. Pure.

import type { PolicyEvaluation } from '../../app/evaluate-mail'
import type { Envelope, EnvelopeRecipient, MailFacts, RecipientFacts } from '../../mail/facts'
import type { Refusal } from '../../mail/refusal'
import type { Decision } from '../../policy/decision'
import { mayBounce, observedRules } from '../../policy/may-bounce'
import { standingRefusal } from '../../policy/refusal-outcome'
import type { Policy } from '../../policy/rule'

interface RefusedAtOnce {
  refusal: Refusal
  observed: Decision['observed']
}

/** At MAIL and RCPT a refusal goes out unless a rule may be about it. */
export function refusedAtOnce(
  { sender, recipients, relayIp }: Envelope,
  policy: Policy,
): Map<EnvelopeRecipient, RefusedAtOnce> {
  const found = new Map<EnvelopeRecipient, RefusedAtOnce>()
  for (const one of recipients) {
    const [first] = one.refusals ?? []
    if (first === undefined || !['mail', 'rcpt'].includes(first.stage)) continue
    const recipient = first.stage === 'mail' ? undefined : one.address
    const refused = { sender, recipient, relayIp, refusal: first }
    if (mayBounce(policy, refused)) continue
    const names = new Set(observedRules(policy, refused, false))
    const observed = policy.rules
      .filter(({ name }) => names.has(name))
      .map(({ name, outcome }) => ({ rule: name, action: outcome.action }))
    found.set(one, { refusal: first, observed })
  }
  return found
}

export function withRefused(
  { facts, decisions }: PolicyEvaluation,
  refused: ReadonlyMap<EnvelopeRecipient, RefusedAtOnce>,
): PolicyEvaluation & { atOnce: ReadonlySet<Decision> } {
  const evaluated = new Map(decisions.map(decision => [decision.recipient.envelope, decision]))
  const atOnce = new Set<Decision>()
  const all = facts.envelope.recipients.flatMap(envelope => {
    const found = refused.get(envelope)
    const decision = evaluated.get(envelope)
    if (found === undefined) return decision ?? []
    const recipient = { envelope, address: envelope.address, source: 'envelope' as const }
    const standing = standingRefusal(found.refusal, { recipient, observed: found.observed })
    atOnce.add(standing)
    return standing
  })
  return {
    facts: withRecipients(
      facts,
      all.map(({ recipient }) => recipient),
    ),
    decisions: all,
    atOnce,
  }
}

/** Value by value, as facts are read when they are asked for. */
function withRecipients(facts: MailFacts, recipients: RecipientFacts[]): MailFacts {
  const { envelope, receipt, receiptFault, verdictsWithoutReceipt, sender, headers } = facts
  const { author, headerIsCut, readings, content, warnings } = facts
  return {
    envelope,
    receipt,
    receiptFault,
    verdictsWithoutReceipt,
    sender,
    recipients,
    headers,
    author,
    headerIsCut,
    readings,
    content,
    results: path => facts.results(path),
    warnings,
  }
}

// Whether Haraka's own DSN about a mail would be backscatter: it goes out from the wrong host, to an address that nobody may
// have proved. The guards of a bounce hold for it as well. Pure.

import type { FallbackReason, Settings } from '../config/settings'
import { addressKey } from '../mail/address'
import type { MailFacts } from '../mail/facts'
import { bounceSenders } from './bounce'
import { isNamed } from './decide'
import type { Decision } from './decision'
import { GUARD_DETAILS, guard } from './guards'
import { MISMATCH_DETAILS } from './mismatch-details'
import type { Policy } from './rule'
import { valuesOf } from './templates'

/** Undefined: the sender may be told. */
export function ownDsnFault(
  policy: Policy,
  settings: Pick<Settings, 'guard'>,
  facts: MailFacts,
  { recipient, rule: name = '' }: Decision,
): { reason: FallbackReason; detail: string } | undefined {
  const { receipt, receiptFault, envelope } = facts
  if (receipt?.returnPath === undefined)
    return { reason: 'no_receipt', detail: receiptFault ?? 'no Return-Path of SES' }
  if (recipient.source === 'mismatch')
    return { reason: 'mismatch', detail: MISMATCH_DETAILS[recipient.mismatch ?? 'unknown'] }
  // Haraka's outbound/hmail.js, `double_bounce`: it deletes such a mail
  if (envelope.sender === '') return { reason: 'unsafe', detail: GUARD_DETAILS.nullSender }
  // the guards are about the sender of record; some relays give the author, whom nobody has proved
  if (addressKey(envelope.sender) !== addressKey(facts.sender))
    return { reason: 'unsafe', detail: 'MAIL FROM is not the sender of record' }
  const rule = policy.rules.find(one => one.name === name)
  const outcome = rule?.outcome
  const senders = bounceSenders(policy, valuesOf(facts, recipient, name, ''))
  const held = guard(facts, recipient, outcome?.action === 'bounce' ? outcome.guard : settings.guard, {
    bounceSender: senders[0] ?? '',
    bounceSenders: senders,
    receivesFor: domain => policy.receivesFor(domain),
    labelSeparator: policy.labelSeparator,
    isNamed: rule !== undefined && isNamed(rule, recipient, policy.labelSeparator),
  })
  return held === undefined ? undefined : { reason: 'unsafe', detail: held }
}

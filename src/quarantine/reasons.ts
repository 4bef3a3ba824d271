// The reasons why mail is in the quarantine, each in one word: for filters and metrics. Pure.

import { FALLBACK_REASONS } from '../config/settings'

/** The reasons of the section [fallback], and those that have no fallback. */
export const QUARANTINE_REASONS = [
  ...FALLBACK_REASONS,
  'rule',
  'rejected',
  'refused',
  'not_bounced',
  'other',
] as const
export type QuarantineReason = (typeof QUARANTINE_REASONS)[number]

export const QUARANTINE_REASON_TEXTS: Readonly<
  Record<Exclude<QuarantineReason, (typeof FALLBACK_REASONS)[number]>, string>
> = {
  rule: 'a rule says quarantine',
  rejected: 'a rule says reject, and SMTP has one reply for all recipients',
  refused: 'another plugin refused it, and SMTP has one reply for all recipients',
  not_bounced: 'its bounce failed, expired or was cancelled',
  other: 'anything else',
}

/** The beginnings of the texts that src/app/plan.ts and src/queue/mail-ledger.ts write. */
const BEGINNINGS: readonly (readonly [string, QuarantineReason])[] = [
  ...FALLBACK_REASONS.map(reason => [`${reason}: `, reason] as const),
  ['by the rule', 'rule'],
  ['rejected, ', 'rejected'],
  ['refused by another plugin, ', 'refused'],
  ['its bounce has ', 'not_bounced'],
]

/** `reason`: the text in the record. */
export function reasonKind(reason: string): QuarantineReason {
  return BEGINNINGS.find(([beginning]) => reason.startsWith(beginning))?.[1] ?? 'other'
}

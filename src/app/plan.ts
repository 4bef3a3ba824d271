// From decisions, one a recipient, to the one answer that SMTP gives for all of them. Pure.

import type { BounceRequest, Decision, Reply } from '../policy/decision'

/** Recipients that policy holds back, with the reason that goes into the quarantine's record. */
export interface Held {
  decision: Decision
  reason: string
}

export type Plan =
  /** Nothing of ours: the mail goes on as it came. */
  | { kind: 'pass' }
  /** One refusal for the whole mail: 450 or 550. */
  | { kind: 'refuse'; temporary: boolean; reply: Reply }
  | CommitPlan

export interface CommitPlan {
  kind: 'commit'
  /** Without those whose bounce was taken before. */
  bounces: { decision: Decision; request: BounceRequest }[]
  held: Held[]
  /** Taken out of the transaction, as we have dealt with them. */
  consumed: Decision[]
  /** Rejected beside others that are not: SMTP can't say so any more. */
  swallowedRejects: Decision[]
}

const TRY_LATER: Reply = { status: '4.7.1', text: 'Try again later' }
const REFUSED: Reply = { status: '5.7.1', text: 'Refused by policy' }

export function planFor(decisions: readonly Decision[]): Plan {
  const deferred = decisions.find(decision => decision.action === 'defer')
  if (deferred) return { kind: 'refuse', temporary: true, reply: deferred.reply ?? TRY_LATER }
  if (decisions.every(decision => decision.action === 'accept')) return { kind: 'pass' }
  if (decisions.every(decision => decision.action === 'reject')) {
    return { kind: 'refuse', temporary: false, reply: decisions[0]?.reply ?? REFUSED }
  }
  const rejected = decisions.filter(decision => decision.action === 'reject')
  const quarantined = decisions.filter(decision => decision.action === 'quarantine')
  return {
    kind: 'commit',
    bounces: decisions.flatMap(decision =>
      decision.action === 'bounce' && decision.bounce ? [{ decision, request: decision.bounce }] : [],
    ),
    held: [...quarantined, ...rejected].map(decision => ({ decision, reason: reasonOf(decision) })),
    consumed: decisions.filter(
      decision => decision.action !== 'accept' && !(decision.action === 'bounce' && decision.deliver),
    ),
    swallowedRejects: rejected,
  }
}

function reasonOf(decision: Decision): string {
  if (decision.fallback) return `${decision.fallback.reason}: ${decision.fallback.detail}`
  return decision.action === 'reject'
    ? 'rejected, beside recipients that were not; the sender was not told'
    : 'by the rule'
}

export function replyText(reply: Reply): string {
  return `${reply.status} ${reply.text}`
}

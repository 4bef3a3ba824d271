// Makes one plan from the decisions for all recipients, as SMTP gives one reply for all of them.

import type { BounceRequest, Decision, Reply } from '../policy/decision'

/** Recipients whose mail is quarantined, with the reason for the record. */
export interface Held {
  decision: Decision
  reason: string
}

export type Plan =
  /** The plugin does nothing: Haraka goes on with the mail. */
  | { kind: 'pass' }
  /** One refusal for the whole mail: 450 or 550. */
  | { kind: 'refuse'; temporary: boolean; reply: Reply }
  | CommitPlan

export interface CommitPlan {
  kind: 'commit'
  /** The bounces to submit, without recipients that have a bounce in the queue already. */
  bounces: { decision: Decision; request: BounceRequest }[]
  held: Held[]
  /** Recipients that are removed from the transaction, as the plugin has dealt with them. */
  consumed: Decision[]
  /** Rejected while other recipients are not, so SMTP can't report it. */
  swallowedRejects: Decision[]
}

/** How decisions become a plan; another way for another moment of a mail. */
export interface Planner {
  /** A decision as it can be carried out; most stay as they are. */
  settle: (decision: Decision) => Decision
  planFor: (decisions: readonly Decision[]) => Plan
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
    bounces: bouncesIn(decisions),
    held: [...quarantined, ...rejected].map(decision => ({ decision, reason: reasonOf(decision) })),
    consumed: decisions.filter(
      decision => decision.action !== 'accept' && !(decision.action === 'bounce' && decision.deliver),
    ),
    swallowedRejects: rejected,
  }
}

export function bouncesIn(decisions: readonly Decision[]): CommitPlan['bounces'] {
  return decisions.flatMap(decision =>
    decision.action === 'bounce' && decision.bounce ? [{ decision, request: decision.bounce }] : [],
  )
}

/** The planner for mail that Haraka hasn't answered yet. */
export const SMTP_PLANNER: Planner = { settle: decision => decision, planFor }

export function reasonOf(decision: Decision): string {
  if (decision.fallback) return `${decision.fallback.reason}: ${decision.fallback.detail}`
  if (decision.refusal && decision.rule === undefined)
    return 'refused by another plugin, while other recipients were not; the sender was not told'
  return decision.action === 'reject'
    ? 'rejected, while other recipients were not; the sender was not told'
    : 'by the rule'
}

export function replyText(reply: Reply): string {
  return `${reply.status} ${reply.text}`
}

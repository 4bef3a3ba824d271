// Changes decisions that need a mail on disk when [quarantine] limit leaves no room for it ([fallback] full).
// If other recipients are delivered to or bounced, the whole mail gets a temporary refusal, so that the relay keeps it.

import type { Decision } from '../policy/decision'
import { fallBack, fallBackSaying, REASON_STATUS } from '../policy/fallback'
import type { Policy } from '../policy/rule'
import type { Full } from '../queue/mail-ledger'
import type { CommitPlan } from './plan'

const DETAILS: Record<Full, string> = {
  limit: 'the quarantine is full',
  sender: "this sender's share of the quarantine is full",
}

/** New decisions for a mail, none of which needs the mail on disk. */
export function withoutRoom(
  policy: Policy,
  decisions: readonly Decision[],
  plan: CommitPlan,
  full: Full,
): Decision[] {
  const held = new Set(plan.held.map(({ decision }) => decision))
  const bounced = new Set(plan.bounces.map(({ decision }) => decision))
  const detail = DETAILS[full]
  const rest = decisions.filter(one => one.action !== 'drop')
  const isWhole = rest.every(one => held.has(one)) || rest.every(one => bounced.has(one) && !one.deliver)
  if (!isWhole) return decisions.map(one => (held.has(one) || bounced.has(one) ? deferred(one, detail) : one))
  return decisions.map(one => {
    if (bounced.has(one)) return fallBack(policy, one, 'full', detail)
    return held.has(one) ? withoutQuarantine(policy, one, detail) : one
  })
}

/** The detail also names the reason of the quarantine. */
function withoutQuarantine(policy: Policy, decision: Decision, full: string): Decision {
  const { bounce: _bounce, reply: _reply, fallback, ...rest } = decision
  const detail = fallback === undefined ? full : `${fallback.detail}; ${full}`
  return fallBackSaying(policy, rest, SAID, 'full', detail)
}

const SAID = { status: REASON_STATUS.full ?? '', text: 'Mail system full' }

function deferred(decision: Decision, detail: string): Decision {
  const { bounce: _bounce, ...rest } = decision
  const reply = { status: '4.3.1', text: `Try again later (${detail})` }
  return { ...rest, action: 'defer', deliver: false, fallback: { reason: 'full', detail }, reply }
}

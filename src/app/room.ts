// What becomes of a mail that is to be kept on disk where [quarantine] limit leaves no room for it. Pure.
// Where other recipients go on or are bounced, only the relay can keep it: the whole mail is refused for now.

import type { Decision } from '../policy/decision'
import { fallBack, fallBackSaying, REASON_STATUS } from '../policy/fallback'
import type { Policy } from '../policy/rule'
import type { Full } from '../queue/mail-ledger'
import type { CommitPlan } from './plan'

const DETAILS: Record<Full, string> = {
  limit: 'the quarantine is full',
  sender: "this sender's share of the quarantine is full",
}

/** The decisions of a mail, anew, for whom nothing needs to be kept. */
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

/** The reason for which it was to be quarantined is said, too. */
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

// Formats one line of key=value for the log. Values from a mail can't close their quotes or break the line, and are cut.

import type { Decision } from '../policy/decision'
import type { Submitted } from '../queue/job'

const LONGEST_VALUE = 256

/** Undefined values are left out. */
export function logLine(values: Record<string, string | number | boolean | undefined>): string {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? quoted(value) : String(value)}`)
    .join(' ')
}

export function decisionLine(
  decision: Decision,
  more: {
    sesId: string | undefined
    sender: string
    job?: { jobId: string; outcome: Submitted['outcome'] } | undefined
    observed: boolean
  },
): string {
  return logLine({
    rule: decision.rule,
    action: decision.action,
    recipient: decision.recipient.address,
    sender: more.sender,
    ses_id: more.sesId,
    account: decision.account,
    ...(more.job && { job: more.job.jobId, bounce: more.job.outcome }),
    ...(decision.wanted !== decision.action && { wanted: decision.wanted }),
    ...(decision.fallback && { because: decision.fallback.reason, detail: decision.fallback.detail }),
    ...(decision.refusal && {
      refused_by: decision.refusal.by,
      refused_stage: decision.refusal.stage,
      refused_status: decision.refusal.status,
    }),
    ...(more.observed && { mode: 'observe' }),
  })
}

function quoted(value: string): string {
  const cut = value.length > LONGEST_VALUE ? `${value.slice(0, LONGEST_VALUE)}...` : value
  if (/^[A-Za-z0-9._@+:/<>-]+$/.test(cut)) return cut
  return `"${cut.replace(/[^ -~]|["\\]/g, escapeOne)}"`
}

function escapeOne(character: string): string {
  if (character === '"' || character === '\\') return `\\${character}`
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

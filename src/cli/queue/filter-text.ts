// A filter for jobs as text, for the audit. Pure.

import type { JobQuery } from '../../queue/operator'
import { timeCell } from './list'

/** `state failed, region eu-west-1` */
export function filterText(query: JobQuery): string {
  const { states, region, rule, sender, recipient, sesId, reason, sinceMs, untilMs, limit } = query
  const parts: [string, string | undefined][] = [
    ['state', states?.join(' or ')],
    ['region', region],
    ['rule', rule],
    ['sender', sender],
    ['recipient', recipient],
    ['SES id', sesId],
    ['reason', reason === undefined ? undefined : JSON.stringify(reason)],
    ['since', sinceMs === undefined ? undefined : timeCell(sinceMs)],
    ['until', untilMs === undefined ? undefined : timeCell(untilMs)],
    ['limit', limit === undefined ? undefined : String(limit)],
  ]
  return parts.flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${value}`])).join(', ')
}

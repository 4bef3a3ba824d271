// An operator's filter as the functions take it (functions/find_jobs_2.sql).

import { addressKey, domainOf } from '../../mail/address'
import { senderKeys } from '../../mail/sender-key'
import { asciiLower } from '../ascii-lower'
import type { JobQuery } from '../operator'

export type JobFilter = Record<string, unknown>

/** Undefined: no job can match. */
export function filterOf(query: JobQuery): JobFilter | undefined {
  const { states, region, sesId, rule, sender, recipient, reason, sinceMs, untilMs } = query
  const senders = sender === undefined ? {} : senderFilter(sender)
  if (senders === undefined) return undefined
  return {
    ...(states && { states }),
    ...(region !== undefined && { region }),
    ...(sesId !== undefined && { sesId }),
    ...(rule !== undefined && { rule }),
    ...(reason !== undefined && { reason: asciiLower(reason) }),
    ...(sinceMs !== undefined && { sinceMs: Math.round(sinceMs) }),
    ...(untilMs !== undefined && { untilMs: Math.round(untilMs) }),
    ...(recipient !== undefined && { recipient: addressKey(recipient) }),
    ...senders,
  }
}

function senderFilter(sender: string): JobFilter | undefined {
  if (!sender.startsWith('@')) return { senderKeys: senderKeys(sender) }
  const senderDomain = domainOf(`x${sender}`)
  return senderDomain === undefined ? undefined : { senderDomain }
}

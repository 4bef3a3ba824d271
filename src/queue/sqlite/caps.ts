// How many bounces count towards a cap, over a window that slides with the clock.
// An index is read up to the cap and no further, however many jobs there are.

import { QueueError } from '../../errors'
import type { BounceRequest, Cap } from '../../policy/decision'
import type { Database } from './database'

const COUNTS: Record<Cap['by'], string> = {
  sender: counting('job', 'sender_key', 'created_ms'),
  domain: counting('job', 'sender_domain', 'created_ms'),
  rule: counting('recipient', 'rule', 'added_ms'),
}

function counting(table: string, key: string, time: string): string {
  return `SELECT COUNT(*) AS n FROM (SELECT 1 FROM ${table} WHERE ${key} = ? AND ${time} > ? LIMIT ?)`
}

export function counted(database: Database, { by, key, rate }: Cap, nowMs: number): number {
  return Number(database.get(COUNTS[by], key, nowMs - rate.perMs, rate.count)?.['n'] ?? 0)
}

/** @throws QueueError QUEUE_CAPPED: the policy has asked before, and others were faster */
export function mustHaveRoom(
  database: Database,
  { caps }: BounceRequest,
  isNewJob: boolean,
  nowMs: number,
): void {
  const counting = caps.filter(({ by }) => isNewJob || by === 'rule')
  const full = counting.find(cap => counted(database, cap, nowMs) >= cap.rate.count)
  if (full !== undefined) throw new QueueError('QUEUE_CAPPED', `the cap by ${full.by} was reached meanwhile`)
}

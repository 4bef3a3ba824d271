// Counts the bounces towards a cap, over a sliding window.
// Reads an index up to the cap only, however many jobs there are.

import type { Cap } from '../../policy/decision'
import type { EpochMs } from '../../units'
import type { Database } from './database'

const COUNTS: Record<Cap['by'], string> = {
  sender: counting('job', 'sender_key', 'created_ms'),
  domain: counting('job', 'sender_domain', 'created_ms'),
  rule: counting('recipient', 'rule', 'added_ms'),
}

function counting(table: string, key: string, time: string): string {
  return `SELECT COUNT(*) AS n FROM (SELECT 1 FROM ${table} WHERE ${key} = ? AND ${time} > ? LIMIT ?)`
}

export function counted(database: Database, { by, key, rate }: Cap, nowMs: EpochMs): number {
  return Number(database.get(COUNTS[by], key, nowMs - rate.perMs, rate.count)?.['n'] ?? 0)
}

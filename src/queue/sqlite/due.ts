// Which regions have something to send, and when. Reads only; what is due is looked at again when it is claimed.

import { firstEndMs, WAITING_SENDERS } from './breaker'
import type { Database } from './database'
import { NOT_PAUSED } from './pauses'
import { text } from './rows'

/** Epoch ms; 0: at once. A pause that ends later than any can is left from before the clock was set back. */
export function dueRegions(
  database: Database,
  nowMs: number,
  longestPauseMs: number,
): { region: string; dueMs: number }[] {
  const latestMs = nowMs + longestPauseMs
  return database.all(NOT_PAUSED).flatMap(({ name }) => {
    const region = text(name)
    const row = database.get(
      `SELECT not_before_ms AS due FROM job WHERE state = 'queued' AND region = ?1
         AND bounce_sender NOT IN (${WAITING_SENDERS}) ORDER BY not_before_ms LIMIT 1`,
      region,
      nowMs,
      latestMs,
    )
    const untilMs = firstEndMs(database, region, nowMs, latestMs)
    const firstMs = typeof row?.['due'] === 'number' ? row['due'] : Number.POSITIVE_INFINITY
    const isDue = firstMs <= nowMs || (firstMs > latestMs && Number.isFinite(firstMs))
    const dueMs = isDue ? 0 : Math.min(firstMs, untilMs)
    return Number.isFinite(dueMs) ? [{ region, dueMs }] : []
  })
}

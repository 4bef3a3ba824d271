// The dispatcher's plan: due jobs and pauses. Only reads; a claim checks again.

import type { Plan, PlanQuestion, RegionPlan } from '../store'
import { firstEndMs, WAITING_SENDERS } from './breaker'
import type { Database, Row } from './database'
import { isPausedBy, pauses } from './pauses'
import { text } from './rows'

/** Undefined: nothing was written since the given version. */
export function planOf(database: Database, question: PlanQuestion): Plan | undefined {
  // read first, so that later writes are seen next time
  const version = Number(database.pragma('data_version')[0]?.['data_version'] ?? 0)
  if (question.since === version) return undefined
  const paused = pauses(database)
  const rows =
    question.region === undefined
      ? database.all('SELECT name, slowdown FROM region')
      : database.all('SELECT name, slowdown FROM region WHERE name = ?', question.region)
  const regions = rows.map(row => {
    const isPaused = isPausedBy(paused, text(row['name']))
    return regionPlan(row, isPaused ? Number.POSITIVE_INFINITY : dueMs(database, text(row['name']), question))
  })
  return { version, regions, pauses: paused }
}

function regionPlan(row: Row, due: number): RegionPlan {
  return {
    region: text(row['name']),
    slowdown: Number(row['slowdown']),
    ...(Number.isFinite(due) && { dueMs: due }),
  }
}

/** Infinity: nothing waits. */
function dueMs(database: Database, region: string, { nowMs, longestPauseMs }: PlanQuestion): number {
  const latestMs = nowMs + longestPauseMs
  const row = database.get(
    `SELECT not_before_ms AS due FROM job WHERE state = 'queued' AND region = ?1
       AND bounce_sender NOT IN (${WAITING_SENDERS}) ORDER BY not_before_ms LIMIT 1`,
    region,
    nowMs,
    latestMs,
  )
  const firstMs = typeof row?.['due'] === 'number' ? row['due'] : Number.POSITIVE_INFINITY
  // a pause that ends later than any can is left from before the clock was set back
  const isDue = firstMs <= nowMs || (firstMs > latestMs && Number.isFinite(firstMs))
  return isDue ? 0 : Math.min(firstMs, firstEndMs(database, region, nowMs, latestMs))
}

// Lanes whose latest call made no bounce, from the histories of some jobs that wait or are held. Reads little,
// however long the queue is. functions/lane_failures_1.sql has the same for PostgreSQL.

import type { EpochMs } from '../../units'
import type { LaneFailure } from '../call-failure'
import type { Database } from './database'
import { text } from './rows'

/** The jobs with the longest back-off have failed for longest; those that are due next may have failed last. */
const WAITING = `
  SELECT seq FROM (SELECT seq FROM job INDEXED BY job_due
    WHERE state = 'queued' AND region = ?1 AND not_before_ms > 0 ORDER BY not_before_ms DESC LIMIT 50)
  UNION SELECT seq FROM (SELECT seq FROM job INDEXED BY job_due
    WHERE state = 'queued' AND region = ?1 AND not_before_ms > ?2 ORDER BY not_before_ms LIMIT 25)
  UNION SELECT seq FROM (SELECT seq FROM (SELECT seq, region FROM job INDEXED BY job_state
      WHERE state || '' = 'held' ORDER BY seq DESC LIMIT 200) WHERE region = ?1 LIMIT 50)`

/** A job may also be held since its dispatcher ended, which says nothing of the lane. */
const FAILED = `job IN (${WAITING})
  AND (what IN ('retry', 'unknown outcome') OR what = 'held' AND detail LIKE 'the outcome of %')`

/** An answer of SES to another call. */
const ANSWERED = `
  SELECT MAX(changed_ms) AS at FROM (SELECT region, state, changed_ms FROM job INDEXED BY job_ended
    WHERE state IN ('sent', 'failed', 'expired', 'cancelled') ORDER BY changed_ms DESC LIMIT 500)
  WHERE region = ?1 AND state IN ('sent', 'failed')`

/** `waiting`: the lanes with a queued or held job. */
export function laneFailures(
  database: Database,
  waiting: readonly { region: string; queued: number; later: number }[],
  nowMs: EpochMs,
): LaneFailure[] {
  return waiting.flatMap(({ region, queued, later }) => {
    // SQLite, bare columns in an aggregate query: `detail` is of the row with the maximum
    const last = database.get(`SELECT MAX(at_ms) AS at, detail FROM event WHERE ${FAILED}`, region, nowMs)
    if (typeof last?.['at'] !== 'number') return []
    const lastMs = last['at']
    const answeredMs = Number(database.get(ANSWERED, region)?.['at'] ?? 0)
    if (answeredMs >= lastMs) return []
    const first = database.get(
      `SELECT MIN(at_ms) AS at FROM event WHERE ${FAILED} AND at_ms > ?3`,
      region,
      nowMs,
      answeredMs,
    )
    const next = database.get(
      "SELECT MIN(not_before_ms) AS at FROM job INDEXED BY job_due WHERE state = 'queued' AND region = ? AND not_before_ms > ?",
      region,
      nowMs,
    )
    const nextTry = queued === 0 ? {} : { nextTryMs: queued > later ? nowMs : Number(next?.['at'] ?? nowMs) }
    const sinceMs = Number(first?.['at'] ?? lastMs)
    return [{ region, sinceMs, lastMs, ...nextTry, detail: text(last['detail']) }]
  })
}

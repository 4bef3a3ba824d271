// What came into the queue and what left it, by spans of five minutes: what the page draws of the last hours.
// Triggers in schema.sql keep it: no writer of the file can forget to. A day of it is kept, whatever becomes of the
// jobs.

import type { EpochMs } from '../../units'
import type { Activity, ActivityBucket } from '../stats'
import type { Database } from './database'
import { text } from './rows'

/** The buckets from that time on, oldest first. One statement: it sees the jobs and the buckets at one moment. */
export function activity(database: Database, fromMs: EpochMs): Activity {
  const row = database.get(
    `SELECT (SELECT COALESCE(SUM(jobs), 0) FROM job_count WHERE state IN ('queued', 'sending', 'held')) AS waiting,
       (SELECT json_group_array(json_object('fromMs', at_ms, 'came', came, 'sent', sent, 'others', others))
        FROM (SELECT * FROM span WHERE at_ms >= ? ORDER BY at_ms)) AS buckets`,
    fromMs,
  )
  return {
    buckets: JSON.parse(text(row?.['buckets'])) as ActivityBucket[],
    waiting: Number(row?.['waiting']),
  }
}

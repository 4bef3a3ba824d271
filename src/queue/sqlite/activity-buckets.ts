// Numbers of jobs that came into the queue and left it, by spans of five minutes, for the page's picture of the last
// hours. Triggers in schema.sql count, so that no writer of the file can forget to. The numbers are kept for a day,
// also those of jobs that are deleted earlier.

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

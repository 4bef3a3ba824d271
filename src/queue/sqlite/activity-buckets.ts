// What came into the queue and what left it, by spans of five minutes: what the page draws of the last hours.
// Triggers in schema.sql keep it: no writer of the file can forget to. A day of it is kept, whatever becomes of the
// jobs.

import type { EpochMs } from '../../units'
import type { ActivityBucket } from '../stats'
import type { Database } from './database'

/** The buckets from that time on, oldest first. */
export function activity(database: Database, fromMs: EpochMs): ActivityBucket[] {
  return database
    .all('SELECT at_ms, came, sent, others FROM span WHERE at_ms >= ? ORDER BY at_ms', fromMs)
    .map(row => ({
      fromMs: Number(row['at_ms']),
      came: Number(row['came']),
      sent: Number(row['sent']),
      others: Number(row['others']),
    }))
}

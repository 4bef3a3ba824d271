// What came into the queue and what left it, by spans of five minutes: what the page draws of the last hours.
// Triggers keep it: no writer of the file can forget to. A day of it is kept, whatever becomes of the jobs.

import { SPAN_MS, type Span } from '../figures'
import type { Database } from './database'

/** More than anybody looks back. */
const KEPT_MS = 86_400_000

const WAITS = "('queued', 'sending', 'held')"
const ENDED = "('sent', 'failed', 'expired', 'cancelled')"

export const SPANS_STEP = `
  -- came: new ones, and those that were tried again after their end
  CREATE TABLE span (
    at_ms INTEGER PRIMARY KEY,
    came INTEGER NOT NULL,
    sent INTEGER NOT NULL,
    others INTEGER NOT NULL
  );
  INSERT INTO span SELECT at, SUM(came), SUM(sent), SUM(others) FROM (
    SELECT ${startOf('created_ms')} AS at, 1 AS came, 0 AS sent, 0 AS others FROM job
    UNION ALL SELECT ${startOf('changed_ms')}, 0, state = 'sent', state <> 'sent' FROM job WHERE state IN ${ENDED}
  ) GROUP BY at;
  DELETE FROM span WHERE at_ms < (SELECT MAX(at_ms) FROM span) - ${KEPT_MS};

  CREATE TRIGGER span_insert AFTER INSERT ON span BEGIN
    DELETE FROM span WHERE at_ms < NEW.at_ms - ${KEPT_MS};
  END;
  CREATE TRIGGER job_span_insert AFTER INSERT ON job WHEN NEW.state IN ${WAITS} BEGIN ${more('1, 0, 0')} END;
  CREATE TRIGGER job_span_end AFTER UPDATE OF state ON job WHEN OLD.state IN ${WAITS} AND NEW.state IN ${ENDED}
  BEGIN ${more("0, NEW.state = 'sent', NEW.state <> 'sent'")} END;
  CREATE TRIGGER job_span_back AFTER UPDATE OF state ON job WHEN OLD.state IN ${ENDED} AND NEW.state IN ${WAITS}
  BEGIN ${more('1, 0, 0')} END;
`

function more(values: string): string {
  return `INSERT INTO span VALUES (${startOf('NEW.changed_ms')}, ${values})
    ON CONFLICT DO UPDATE SET came = came + excluded.came, sent = sent + excluded.sent, others = others + excluded.others;`
}

/** Whole, also of a time that isn't: a writer of jobs must not fail by what is drawn of them. */
function startOf(ms: string): string {
  return `CAST(${ms} AS INTEGER) / ${SPAN_MS} * ${SPAN_MS}`
}

/** Oldest first. */
export function spans(database: Database, fromMs: number): Span[] {
  return database
    .all('SELECT at_ms, came, sent, others FROM span WHERE at_ms >= ? ORDER BY at_ms', fromMs)
    .map(row => ({
      fromMs: Number(row['at_ms']),
      came: Number(row['came']),
      sent: Number(row['sent']),
      others: Number(row['others']),
    }))
}

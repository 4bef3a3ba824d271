// The queued jobs of each region by the second of their deadline, summed up in a tree of four levels, so that neither
// the forecast for a new job nor the upkeep costs more with a long queue.
// Triggers keep it: no writer of the file can forget to. Each change of a job touches one slot a level.

import { SLOT_MS } from '../admission'
import type { Ahead } from '../store'
import type { Database } from './database'

/** A slot of a level holds so many of the level below. */
const BRANCHES = 16
/** From the second up to an hour and a bit, of which a window of 24 hours has 22. */
const SPANS_MS = [0, 1, 2, 3].map(level => SLOT_MS * BRANCHES ** level)
const [, ...UPPER_SPANS_MS] = SPANS_MS
const TOP_MS = SPANS_MS.at(-1) ?? SLOT_MS

/** Of a slot from what is below it: its jobs, and its `least`. */
const SUMMED = 'SUM(jobs) AS jobs, MIN(least_ms - spacing * before) AS least'

export const SLOTS_STEP = `
  -- From the start of a call to the next one's, as least_ms counts it.
  ALTER TABLE region ADD COLUMN spacing_ms REAL NOT NULL DEFAULT 0;

  -- least_ms: of its jobs' deadlines, less spacing_ms for each job of the slot that goes before.
  CREATE TABLE slot (
    region TEXT NOT NULL,
    span_ms INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    jobs INTEGER NOT NULL,
    least_ms REAL NOT NULL,
    PRIMARY KEY (region, span_ms, at_ms)
  ) WITHOUT ROWID;

  CREATE VIEW slot_change AS SELECT '' AS region, 0 AS deadline_ms, 0 AS jobs WHERE FALSE;
  CREATE TRIGGER slot_change INSTEAD OF INSERT ON slot_change BEGIN
    INSERT INTO slot
      SELECT NEW.region, ${SLOT_MS}, NEW.deadline_ms - NEW.deadline_ms % ${SLOT_MS}, NEW.jobs,
        NEW.deadline_ms - NEW.deadline_ms % ${SLOT_MS}
      WHERE TRUE
      ON CONFLICT DO UPDATE SET jobs = jobs + excluded.jobs,
        least_ms = at_ms - (jobs + excluded.jobs - 1)
          * COALESCE((SELECT spacing_ms FROM region WHERE name = NEW.region), 0);
    DELETE FROM slot WHERE region = NEW.region AND span_ms = ${SLOT_MS}
      AND at_ms = NEW.deadline_ms - NEW.deadline_ms % ${SLOT_MS} AND jobs <= 0;
    ${UPPER_SPANS_MS.map(summingUp).join('')}
  END;
  CREATE TRIGGER job_slot_insert AFTER INSERT ON job WHEN NEW.state = 'queued' BEGIN
    INSERT INTO slot_change VALUES (NEW.region, NEW.deadline_ms, 1);
  END;
  CREATE TRIGGER job_slot_delete AFTER DELETE ON job WHEN OLD.state = 'queued' BEGIN
    INSERT INTO slot_change VALUES (OLD.region, OLD.deadline_ms, -1);
  END;
  CREATE TRIGGER job_slot_leave AFTER UPDATE OF state, region, deadline_ms ON job
  WHEN OLD.state = 'queued' AND (NEW.state, NEW.region, NEW.deadline_ms)
    IS NOT (OLD.state, OLD.region, OLD.deadline_ms) BEGIN
    INSERT INTO slot_change VALUES (OLD.region, OLD.deadline_ms, -1);
  END;
  CREATE TRIGGER job_slot_come AFTER UPDATE OF state, region, deadline_ms ON job
  WHEN NEW.state = 'queued' AND (NEW.state, NEW.region, NEW.deadline_ms)
    IS NOT (OLD.state, OLD.region, OLD.deadline_ms) BEGIN
    INSERT INTO slot_change VALUES (NEW.region, NEW.deadline_ms, 1);
  END;

  INSERT INTO slot
    SELECT region, ${SLOT_MS}, deadline_ms - deadline_ms % ${SLOT_MS} AS at, COUNT(*),
      deadline_ms - deadline_ms % ${SLOT_MS}
    FROM job WHERE state = 'queued' GROUP BY region, at;
  ${UPPER_SPANS_MS.map(summedUp).join('')}
`

/** One slot anew from those below it. */
function summingUp(spanMs: number): string {
  const at = `(NEW.deadline_ms - NEW.deadline_ms % ${spanMs})`
  const slot = `region = NEW.region AND span_ms = ${spanMs} AND at_ms = ${at}`
  return `
    DELETE FROM slot WHERE ${slot};
    INSERT INTO slot SELECT NEW.region, ${spanMs}, ${at}, jobs, least FROM (
      SELECT ${SUMMED} FROM (
        SELECT jobs, least_ms, SUM(jobs) OVER (ORDER BY at_ms) - jobs AS before,
          COALESCE((SELECT spacing_ms FROM region WHERE name = NEW.region), 0) AS spacing
        FROM slot WHERE region = NEW.region AND span_ms = ${spanMs / BRANCHES}
          AND at_ms >= ${at} AND at_ms < ${at} + ${spanMs}
      )
    ) WHERE jobs > 0;`
}

/** All slots of a level, of all regions, from those below them. */
function summedUp(spanMs: number): string {
  return `
  INSERT OR REPLACE INTO slot
    SELECT region, ${spanMs}, at, jobs, least FROM (
      SELECT region, at, ${SUMMED} FROM (
        SELECT slot.region, at_ms - at_ms % ${spanMs} AS at, jobs, least_ms, spacing_ms AS spacing,
          SUM(jobs) OVER (PARTITION BY slot.region, at_ms - at_ms % ${spanMs} ORDER BY at_ms) - jobs AS before
        FROM slot JOIN region ON region.name = slot.region WHERE span_ms = ${spanMs / BRANCHES}
      ) GROUP BY region, at
    );`
}

/** What a job with that deadline would find: from the top down, one slot of each level is looked into. */
export function waiting(
  database: Database,
  region: string,
  deadlineMs: number,
): Pick<Ahead, 'jobs' | 'laterMs'> {
  const spacingMs = Number(
    database.get('SELECT spacing_ms FROM region WHERE name = ?', region)?.['spacing_ms'] ?? 0,
  )
  let jobs = 0
  let laterMs = Number.POSITIVE_INFINITY
  for (const spanMs of SPANS_MS.toReversed()) {
    const ownMs = deadlineMs - (deadlineMs % spanMs)
    let before = jobs
    for (const row of siblings(database, region, spanMs, deadlineMs)) {
      const atMs = Number(row['at_ms'])
      if (atMs > ownMs) laterMs = Math.min(laterMs, Number(row['least_ms']) - spacingMs * before)
      before += Number(row['jobs'])
      // those of its own second go before it
      if (atMs < ownMs || (atMs === ownMs && spanMs === SLOT_MS)) jobs = before
    }
  }
  return { jobs, laterMs }
}

function siblings(database: Database, region: string, spanMs: number, deadlineMs: number) {
  const sql = 'SELECT at_ms, jobs, least_ms FROM slot WHERE region = ? AND span_ms = ?'
  if (spanMs === TOP_MS) return database.all(`${sql} ORDER BY at_ms`, region, spanMs)
  const parentMs = spanMs * BRANCHES
  const fromMs = deadlineMs - (deadlineMs % parentMs)
  return database.all(
    `${sql} AND at_ms >= ? AND at_ms < ? ORDER BY at_ms`,
    region,
    spanMs,
    fromMs,
    fromMs + parentMs,
  )
}

/** When the pace is set anew, all is summed up again. Within the caller's transaction. */
export function setSpacing(database: Database, spacingMs: number): void {
  database.run('UPDATE region SET spacing_ms = ?', spacingMs)
  database.run(`UPDATE slot SET least_ms = at_ms - (jobs - 1) * ? WHERE span_ms = ${SLOT_MS}`, spacingMs)
  for (const spanMs of UPPER_SPANS_MS) database.run(summedUp(spanMs).trim())
}

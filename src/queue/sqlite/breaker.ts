// Reads and writes the pauses of bounce senders and regions that SES refuses. The rules are in ../breaker.ts.
// Runs in the caller's transaction.

import type { EpochMs } from '../../units'
import { errorOf, type RefusalFacts, type SenderChange, type SenderFacts } from '../breaker'
import type { Job } from '../job'
import type { Database, Row, Value } from './database'
import { applyChange, text } from './rows'

/** Stands for the whole region instead of a bounce sender. */
const ALL = ''

/**
 * Bounce senders of region ?1 that wait now, ?2, whose jobs must not have the calls of the others. A pause that ends
 * later than ?3 is left from before the clock was set back.
 */
export const WAITING_SENDERS =
  'SELECT bounce_sender FROM blocked WHERE region = ?1 AND until_ms > ?2 AND until_ms <= ?3'

/** When the first pause of a sender ends. Infinity: none waits. */
export function firstEndMs(database: Database, region: string, nowMs: EpochMs, latestMs: number): number {
  const row = database.get(
    "SELECT MIN(until_ms) AS until FROM blocked WHERE region = ? AND bounce_sender <> '' AND until_ms > ? AND until_ms <= ?",
    region,
    nowMs,
    latestMs,
  )
  return typeof row?.['until'] === 'number' ? row['until'] : Number.POSITIVE_INFINITY
}

export function senderFacts(database: Database, { region, bounceSender }: Job): SenderFacts {
  const rows = database.all(
    'SELECT bounce_sender, by_refusals FROM blocked WHERE region = ? AND bounce_sender IN (?, ?)',
    region,
    ALL,
    bounceSender,
  )
  const own = rows.find(row => row['bounce_sender'] === bounceSender)
  return {
    isRegionPaused: rows.some(row => row['bounce_sender'] === ALL),
    ...(own && { senderPausedBy: own['by_refusals'] === 1 ? 'refusals' : 'answer' }),
  }
}

export function refusalFacts(database: Database, job: Job, seq: Value, detail: string): RefusalFacts {
  const { region, bounceSender, sesId } = job
  const error = errorOf(job, detail)
  const put = database.get('SELECT 1 FROM refused WHERE job = ? AND put_back = 1', seq)
  // all calls of a mail that was split are refused when one is
  const others = database.get(
    `SELECT COUNT(DISTINCT ses_id) AS n FROM refused JOIN job ON seq = job
     WHERE refused.region = ? AND refused.bounce_sender = ? AND put_back = 0 AND error = ? AND ses_id <> ?`,
    region,
    bounceSender,
    error,
    sesId,
  )
  const untried = database.get(
    `SELECT 1 FROM job WHERE state = 'queued' AND region = ?1 AND bounce_sender = ?2 AND seq NOT IN
       (SELECT job FROM refused WHERE region = ?1 AND bounce_sender = ?2 AND (put_back = 1 OR error = ?3)) LIMIT 1`,
    region,
    bounceSender,
    error,
  )
  const first = (state: 'queued' | 'failed', order: string) =>
    database.get(
      `SELECT id, not_before_ms, deadline_ms, created_ms FROM refused JOIN job ON seq = job
       WHERE refused.region = ? AND refused.bounce_sender = ? AND job <> ? AND (put_back = 1 OR error = ?) AND state = ?
       ORDER BY ${order} LIMIT 1`,
      region,
      bounceSender,
      seq,
      error,
      state,
    )
  const firstWaiting = first('queued', 'not_before_ms, deadline_ms, seq')
  const firstFailed = first('failed', 'deadline_ms, seq')
  return {
    wasPutBack: put !== undefined,
    othersInRow: Number(others?.['n'] ?? 0),
    waitsUntried: untried !== undefined,
    ...(firstWaiting && { firstWaiting: turnOf(firstWaiting) }),
    ...(firstFailed && { firstFailed: turnOf(firstFailed) }),
  }
}

function turnOf(row: Row) {
  return {
    id: text(row['id']),
    notBeforeMs: Number(row['not_before_ms']),
    deadlineMs: Number(row['deadline_ms']),
    createdAtMs: Number(row['created_ms']),
  }
}

export function applySenderChange(
  database: Database,
  { region, bounceSender }: Job,
  seq: Value,
  { ends, pause, row, putBack, next }: SenderChange,
  nowMs: EpochMs,
): void {
  const nameOf = (scope: 'sender' | 'region') => (scope === 'region' ? ALL : bounceSender)
  for (const scope of ends)
    database.run('DELETE FROM blocked WHERE region = ? AND bounce_sender = ?', region, nameOf(scope))
  if (row === 'ended') endRow(database, region, bounceSender)
  else if (row) {
    if (!row.isPutBack) {
      database.run(
        'DELETE FROM refused WHERE region = ? AND bounce_sender = ? AND put_back = 0 AND error <> ?',
        region,
        bounceSender,
        row.error,
      )
    }
    database.run(
      'INSERT OR REPLACE INTO refused (job, region, bounce_sender, error, put_back) VALUES (?, ?, ?, ?, ?)',
      seq,
      region,
      bounceSender,
      row.error,
      row.isPutBack ? 1 : 0,
    )
  }
  if (putBack) {
    const failed = database.all(
      `SELECT seq FROM refused JOIN job ON seq = job WHERE refused.region = ? AND refused.bounce_sender = ?
         AND state = 'failed' AND seq <> ?`,
      region,
      bounceSender,
      seq,
    )
    for (const one of failed) applyChange(database, one['seq'] ?? null, putBack, nowMs)
    database.run(
      'UPDATE refused SET put_back = 1 WHERE region = ? AND bounce_sender = ?',
      region,
      bounceSender,
    )
  }
  if (next) database.run('UPDATE job SET not_before_ms = ? WHERE id = ?', next.notBeforeMs, next.id)
  if (pause) {
    database.run(
      'INSERT OR REPLACE INTO blocked (region, bounce_sender, until_ms, by_refusals) VALUES (?, ?, ?, ?)',
      region,
      nameOf(pause.scope),
      pause.untilMs,
      pause.by === 'refusals' ? 1 : 0,
    )
  }
}

function endRow(database: Database, region: string, bounceSender: string): void {
  database.run(
    'DELETE FROM refused WHERE region = ? AND bounce_sender = ? AND put_back = 0',
    region,
    bounceSender,
  )
  database.run(
    `UPDATE job SET not_before_ms = 0 WHERE state = 'queued' AND not_before_ms > 0 AND seq IN
       (SELECT job FROM refused WHERE region = ? AND bounce_sender = ?)`,
    region,
    bounceSender,
  )
}

/** The paused senders and regions, with the time of the next attempt. */
export function blockedNow(
  database: Database,
): { region: string; bounceSender?: string; nextTryMs: EpochMs }[] {
  const rows = database.all(
    'SELECT region, bounce_sender, until_ms FROM blocked ORDER BY region, bounce_sender',
  )
  return rows.map(row => {
    const bounceSender = text(row['bounce_sender'])
    return {
      region: text(row['region']),
      ...(bounceSender !== ALL && { bounceSender }),
      nextTryMs: Number(row['until_ms']),
    }
  })
}

// Changes of jobs by hand in the queue file, and their entry in the audit. ../by-hand.ts has the rules.

import type { EpochMs } from '../../units'
import type { AuditDraft } from '../audit'
import { decideAll, flushedText, type WaitingJobs } from '../by-hand'
import { type ByHand, type Flushed, type JobChange, MOST_CHANGED } from '../operator'
import { addAudit } from './audit'
import type { Database } from './database'
import { addEvent, applyChange, factsOf, text } from './rows'
import { waitingDeadlines } from './waiting-deadlines'

/** The results in the order of the ids. One transaction. */
export function changeByHand(database: Database, ids: readonly string[], change: JobChange): ByHand[] {
  return database.write(() => {
    const rows = ids.map(id => database.get('SELECT * FROM job WHERE id = ?', id))
    const jobs = rows.map(row => row && factsOf(row))
    const asked = new Map<string, WaitingJobs>()
    const decided = decideAll(jobs, change, region => {
      const waiting = asked.get(region) ?? waitingJobs(database, region)
      asked.set(region, waiting)
      return waiting
    })
    let changed = 0
    const results = decided.map((one, index): ByHand => {
      if (!('events' in one)) return one
      applyChange(database, rows[index]?.['seq'] ?? null, one, change.nowMs)
      changed += 1
      return { value: { from: jobs[index]?.state ?? one.state, to: one.state } }
    })
    addAudit(database, change.audit, changed)
    return results
  })
}

function waitingJobs(database: Database, region: string): WaitingJobs {
  const row = database.get('SELECT spacing_ms FROM region WHERE name = ?', region)
  return { histogram: waitingDeadlines(database).of(region), spacingMs: Number(row?.['spacing_ms'] ?? 0) }
}

/** Undefined: in every region. One transaction, for a limited number of jobs. */
export function flushByHand(
  database: Database,
  region: string | undefined,
  nowMs: EpochMs,
  audit: AuditDraft | undefined,
): Flushed {
  return database.write(() => {
    const all = database.all('SELECT name FROM region ORDER BY name').map(row => text(row['name']))
    const regions = region === undefined ? all : all.filter(name => name === region)
    let jobs = 0
    let lifted = 0
    for (const name of regions) {
      lifted += database.run(
        'UPDATE blocked SET until_ms = ?1 WHERE region = ?2 AND until_ms > ?1',
        Math.round(nowMs),
        name,
      )
      database.run('UPDATE region SET flushed_ms = ? WHERE name = ?', nowMs, name)
      jobs += flushJobs(database, name, { nowMs, most: MOST_CHANGED - jobs, audit })
    }
    addAudit(database, audit, jobs || lifted)
    return { jobs, lifted, isDone: jobs < MOST_CHANGED }
  })
}

function flushJobs(
  database: Database,
  region: string,
  { nowMs, most, audit }: { nowMs: EpochMs; most: number; audit: AuditDraft | undefined },
): number {
  const rows = database.all(
    `SELECT seq, not_before_ms FROM job WHERE state = 'queued' AND region = ? AND not_before_ms > ?
     ORDER BY not_before_ms LIMIT ?`,
    region,
    nowMs,
    most,
  )
  for (const { seq = null, not_before_ms: notBeforeMs } of rows) {
    database.run('UPDATE job SET not_before_ms = 0, changed_ms = ? WHERE seq = ?', nowMs, seq)
    addEvent(database, seq, nowMs, 'by hand', flushedText(Number(notBeforeMs), audit))
  }
  return rows.length
}

// The pauses by hand in the queue file, which survive every process. Runs in the caller's transaction.

import type { EpochMs } from '../../units'
import type { AuditDraft } from '../audit'
import type { Pause } from '../operator'
import { addAudit } from './audit'
import type { Database } from './database'
import { text } from './rows'

/** Stands for all regions instead of a name. */
const EVERY_REGION = ''

export function isPaused(database: Database, region: string): boolean {
  return database.get('SELECT 1 FROM pause WHERE region IN (?, ?)', EVERY_REGION, region) !== undefined
}

export function isPausedBy(paused: readonly Pause[], name: string): boolean {
  return paused.some(({ region }) => region === undefined || region === name)
}

/** Every region first, then by name. */
export function pauses(database: Database): Pause[] {
  return database.all('SELECT region, since_ms, reason, who FROM pause ORDER BY region').map(row => {
    const region = text(row['region'])
    const { reason, who } = row
    return {
      ...(region !== EVERY_REGION && { region }),
      sinceMs: Number(row['since_ms']),
      ...(typeof reason === 'string' && { reason }),
      ...(typeof who === 'string' && { who }),
    }
  })
}

/** False: it was paused already; another reason takes the place of the one before. */
export function addPause(
  database: Database,
  region: string | undefined,
  nowMs: EpochMs,
  audit?: AuditDraft,
): boolean {
  const name = region ?? EVERY_REGION
  const wasPaused = database.get('SELECT 1 AS one FROM pause WHERE region = ?', name) !== undefined
  const changed = database.run(
    `INSERT INTO pause (region, since_ms, reason, who) VALUES (?, ?, ?, ?)
     ON CONFLICT (region) DO UPDATE SET reason = excluded.reason, who = excluded.who
       WHERE excluded.reason IS NOT NULL AND excluded.reason IS NOT pause.reason`,
    name,
    nowMs,
    audit?.reason ?? null,
    audit?.who ?? null,
  )
  addAudit(database, audit, changed)
  return !wasPaused
}

/** Undefined: all of them. False: there was none. */
export function removePause(database: Database, region: string | undefined, audit?: AuditDraft): boolean {
  const removed =
    region === undefined
      ? database.run('DELETE FROM pause')
      : database.run('DELETE FROM pause WHERE region = ?', region)
  addAudit(database, audit, removed)
  return removed > 0
}

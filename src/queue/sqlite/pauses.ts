// The pauses by hand in the queue file, which survive every process. Runs in the caller's transaction.

import type { EpochMs } from '../../units'
import type { Pause } from '../operator'
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
  return database.all('SELECT region, since_ms FROM pause ORDER BY region').map(row => {
    const region = text(row['region'])
    return { ...(region !== EVERY_REGION && { region }), sinceMs: Number(row['since_ms']) }
  })
}

/** False: it was paused already. */
export function addPause(database: Database, region: string | undefined, nowMs: EpochMs): boolean {
  return (
    database.run(
      'INSERT OR IGNORE INTO pause (region, since_ms) VALUES (?, ?)',
      region ?? EVERY_REGION,
      nowMs,
    ) > 0
  )
}

/** Undefined: all of them. False: there was none. */
export function removePause(database: Database, region: string | undefined): boolean {
  const removed =
    region === undefined
      ? database.run('DELETE FROM pause')
      : database.run('DELETE FROM pause WHERE region = ?', region)
  return removed > 0
}

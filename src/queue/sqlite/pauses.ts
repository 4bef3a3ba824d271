// What an operator has paused, as it stands in the queue file: it outlives every process.
// Plain statements; whoever changes something does so in a transaction of his own.

import type { Pause } from '../operator'
import type { Database } from './database'
import { text } from './rows'

/** In place of a region's name. */
const EVERY_REGION = ''

/** Names of the regions in which calls are made. */
export const NOT_PAUSED = `SELECT name FROM region WHERE NOT EXISTS
  (SELECT 1 FROM pause WHERE pause.region IN ('${EVERY_REGION}', region.name))`

export function isPaused(database: Database, region: string): boolean {
  return database.get('SELECT 1 FROM pause WHERE region IN (?, ?)', EVERY_REGION, region) !== undefined
}

/** Every region first, then by name. */
export function pauses(database: Database): Pause[] {
  return database.all('SELECT region, since_ms FROM pause ORDER BY region').map(row => {
    const region = text(row['region'])
    return { ...(region !== EVERY_REGION && { region }), sinceMs: Number(row['since_ms']) }
  })
}

/** False: it was paused already. */
export function addPause(database: Database, region: string | undefined, nowMs: number): boolean {
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

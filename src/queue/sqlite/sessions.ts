// Sessions of the status page that were ended by "Sign out". Only sessions that were proved come here, and few of them:
// when there are too many, a new secret ends every session at once, and the list begins anew.

import type { EpochMs } from '../../units'
import type { Database } from './database'

/** The most ended sessions: people don't sign out a thousand times a day. */
const MOST_ENDED = 1000

export function isSessionEnded(database: Database, id: string): boolean {
  return database.get('SELECT 1 AS one FROM ended_session WHERE id = ?', id) !== undefined
}

/** On disk when it returns. `endMs`: when the session would have ended by itself. */
export function endSession(database: Database, id: string, endMs: EpochMs, nowMs: EpochMs): void {
  database.write(() => {
    database.run('DELETE FROM ended_session WHERE end_ms <= ?', nowMs)
    database.run('INSERT OR IGNORE INTO ended_session (id, end_ms) VALUES (?, ?)', id, endMs)
    const count = Number(database.get('SELECT COUNT(*) AS count FROM ended_session')?.['count'] ?? 0)
    if (count <= MOST_ENDED) return
    database.run('UPDATE secret SET value = lower(hex(randomblob(32)))')
    database.run('DELETE FROM ended_session')
  })
}

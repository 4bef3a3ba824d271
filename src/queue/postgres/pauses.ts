// The pauses by hand in the database (functions/set_pause_2.sql, pauses_1.sql).

import type { EpochMs } from '../../units'
import type { AuditDraft } from '../audit'
import type { Pause } from '../operator'
import { auditArgs } from './audit'

/** The part of a connection that this needs. */
interface Connection {
  call<T>(name: string, args: object): Promise<T>
}

interface PauseRow {
  /** '': every region. */
  region: string
  since_ms: number
  reason: string | null
  who: string | null
}

/** Every region first, then by name. */
export async function pausesOf(connection: Connection): Promise<Pause[]> {
  const rows = await connection.call<PauseRow[]>('pauses_1', {})
  return rows.map(({ region, since_ms, reason, who }) => ({
    ...(region !== '' && { region }),
    sinceMs: since_ms,
    ...(reason !== null && { reason }),
    ...(who !== null && { who }),
  }))
}

/** False: it was paused already; another reason takes the place of the one before. */
export function addPause(
  connection: Connection,
  region: string | undefined,
  nowMs: EpochMs,
  audit: AuditDraft | undefined,
): Promise<boolean> {
  return connection.call('set_pause_2', {
    isPaused: true,
    region: region ?? '',
    now_ms: Math.round(nowMs),
    ...(audit && { reason: audit.reason, who: audit.who, audit: auditArgs(audit) }),
  })
}

/** Undefined: all of them. False: there was none. */
export function removePause(
  connection: Connection,
  region: string | undefined,
  audit: AuditDraft | undefined,
): Promise<boolean> {
  return connection.call('set_pause_2', {
    isPaused: false,
    ...(region !== undefined && { region }),
    ...(audit && { audit: auditArgs(audit) }),
  })
}

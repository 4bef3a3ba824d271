// The start of each region's last call, and its slowdown, on disk, so that both survive the processes.
// Times are monotonic and belong to one boot; after a reboot a full spacing is waited.

import type { MonoMs } from '../../units'
import type { Database, Row } from './database'

export class CallSpacing {
  readonly #db: Database

  constructor(database: Database) {
    this.#db = database
  }

  /** -Infinity: the region has had no call. Of another boot: as if one had started just now. */
  lastStart(region: string, bootId: string, nowMonoMs: MonoMs): number {
    return lastStart(this.#row(region), bootId, nowMonoMs)
  }

  /** The values for a forecast. `spacingMs`: set by the dispatcher; 0: it hasn't run in the region yet. */
  forForecast(region: string, bootId: string, nowMonoMs: MonoMs): { spacingMs: number; lastStartMs: number } {
    const row = this.#row(region)
    return { spacingMs: Number(row?.['spacing_ms'] ?? 0), lastStartMs: lastStart(row, bootId, nowMonoMs) }
  }

  /** Whether the region's last call was made since the machine started. */
  isOfBoot(region: string, bootId: string): boolean {
    return this.#db.get('SELECT boot_id FROM region WHERE name = ?', region)?.['boot_id'] === bootId
  }

  /** 1: no slowdown. */
  slowdown(region: string): number {
    return Number(this.#db.get('SELECT slowdown FROM region WHERE name = ?', region)?.['slowdown'] ?? 1)
  }

  slowDown(region: string, slowdown: number): void {
    this.#db.run('UPDATE region SET slowdown = ?1 WHERE name = ?2 AND slowdown <> ?1', slowdown, region)
  }

  /** Moves the last start forward, never back. */
  stamp(region: string, bootId: string, monoMs: MonoMs): void {
    this.#db.run(
      `UPDATE region SET last_start_mono_ms = CASE WHEN boot_id = ?1 THEN MAX(last_start_mono_ms, ?2) ELSE ?2 END,
         boot_id = ?1 WHERE name = ?3`,
      bootId,
      monoMs,
      region,
    )
  }

  #row(region: string): Row | undefined {
    return this.#db.get(
      'SELECT boot_id, last_start_mono_ms AS last, spacing_ms FROM region WHERE name = ?',
      region,
    )
  }
}

function lastStart(row: Row | undefined, bootId: string, nowMonoMs: MonoMs): number {
  if (row === undefined || row['boot_id'] === '') return Number.NEGATIVE_INFINITY
  return row['boot_id'] === bootId ? Number(row['last']) : nowMonoMs
}

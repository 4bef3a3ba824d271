// When the last call of each region started, and how slow it is, on disk: both hold across processes and their deaths.
// Times are monotonic and of one boot; after a reboot they mean nothing, and a full spacing is waited.

import type { Database, Row } from './database'

export class CallSpacing {
  readonly #db: Database

  constructor(database: Database) {
    this.#db = database
  }

  /** -Infinity: the region has had no call. Of another boot: as if one had started just now. */
  lastStart(region: string, bootId: string, nowMonoMs: number): number {
    return lastStart(this.#row(region), bootId, nowMonoMs)
  }

  /** What a forecast goes by; `spacingMs`: as the dispatcher set it, 0 where it hasn't been. */
  forForecast(region: string, bootId: string, nowMonoMs: number): { spacingMs: number; lastStartMs: number } {
    const row = this.#row(region)
    return { spacingMs: Number(row?.['spacing_ms'] ?? 0), lastStartMs: lastStart(row, bootId, nowMonoMs) }
  }

  /** Whether the region's last call was made since the machine started. */
  isOfBoot(region: string, bootId: string): boolean {
    return this.#db.get('SELECT boot_id FROM region WHERE name = ?', region)?.['boot_id'] === bootId
  }

  /** 1: as set. */
  slowdown(region: string): number {
    return Number(this.#db.get('SELECT slowdown FROM region WHERE name = ?', region)?.['slowdown'] ?? 1)
  }

  slowDown(region: string, slowdown: number): void {
    this.#db.run('UPDATE region SET slowdown = ?1 WHERE name = ?2 AND slowdown <> ?1', slowdown, region)
  }

  /** Moves the last start forward, never back. */
  stamp(region: string, bootId: string, monoMs: number): void {
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

function lastStart(row: Row | undefined, bootId: string, nowMonoMs: number): number {
  if (row === undefined || row['boot_id'] === '') return Number.NEGATIVE_INFINITY
  return row['boot_id'] === bootId ? Number(row['last']) : nowMonoMs
}

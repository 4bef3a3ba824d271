// The start of each region's last call on this process's monotonic clock, as long as it leads. The calls of an earlier
// leader were made before this one took the lead, from which a full spacing is waited.

import type { MonoMs } from '../../units'
import type { Now } from '../store'

export class CallSpacing {
  #starts = new Map<string, MonoMs>()
  /** The difference from the monotonic clock to the queue's. */
  #offsetMs = 0

  /** `regions`: those that have had a call. `isOurs`: by this process. */
  takeLead(regions: readonly string[], isOurs: boolean, now: Now): void {
    const known = isOurs ? this.#starts : new Map<string, MonoMs>()
    this.#starts = new Map(regions.map(region => [region, known.get(region) ?? now.monoMs]))
    this.at(now)
  }

  /** The present time on both clocks. */
  at({ ms, monoMs }: Now): void {
    this.#offsetMs = ms - monoMs
  }

  /** -Infinity: the region has had no call. */
  lastStart(region: string): MonoMs {
    return this.#starts.get(region) ?? Number.NEGATIVE_INFINITY
  }

  /** Moves the last start forward, never back. */
  stamp(region: string, monoMs: MonoMs): void {
    this.#starts.set(region, Math.max(this.lastStart(region), monoMs))
  }

  /** The time by the queue's clock, for forecasts and views. */
  inQueueTime(monoMs: MonoMs): number {
    return monoMs + this.#offsetMs
  }
}

// What will become of a region's queue at a pace, without going through its jobs: by the tree of slots.
// Reads only. Of a long queue it is an estimate on the safe side, of a short one it is exact.

import type { Pace } from '../operator'
import { type Projection, project } from '../stats'
import type { Database } from './database'
import { type Slot, SPANS_MS, slotsOf, TOP_MS } from './deadline-histogram'
import { text } from './rows'

/** Up to here each job is looked at: a millisecond. */
const MOST_EXACT = 2000
/** Slots are looked into down to this: what is too late within one counts as if all its deadlines were at its start. */
export const FINEST_MS = SPANS_MS[1] ?? 0

/**
 * `queued`: how many there are. Of more than MOST_EXACT, up to FINEST_MS / spacingMs + 1 too many are said to miss their
 * window, never too few; and as many fewer to be drained.
 */
export function projection(
  database: Database,
  region: string,
  queued: number,
  nowMs: number,
  pace: Pick<Pace, 'spacingMs' | 'marginMs'>,
): Projection {
  if (queued <= MOST_EXACT) return project(deadlines(database, region), nowMs, pace)
  return new Walk(database, region, nowMs + pace.marginMs, pace.spacingMs).projection()
}

function deadlines(database: Database, region: string): number[] {
  // as one text: a row for each costs five times as much; there may be more by now
  const row = database.get(
    `SELECT json_group_array(deadline_ms) AS deadlines FROM (
       SELECT deadline_ms FROM job WHERE state = 'queued' AND region = ? ORDER BY deadline_ms, seq LIMIT ${MOST_EXACT})`,
    region,
  )
  return JSON.parse(text(row?.['deadlines'])) as number[]
}

/** From the soonest slot to the last; those of which some jobs will be in time and others not are looked into, all at once. */
class Walk {
  #started = 0
  #willMiss = 0
  readonly #slots: ReturnType<typeof slotsOf>
  readonly #firstMs: number
  readonly #spacingMs: number

  /** `firstMs`: the soonest deadline that can be kept. */
  constructor(database: Database, region: string, firstMs: number, spacingMs: number) {
    this.#slots = slotsOf(database, region)
    this.#firstMs = firstMs
    this.#spacingMs = spacingMs
  }

  projection(): Projection {
    this.#walk(TOP_MS, 0, Number.MAX_SAFE_INTEGER)
    return { drainMs: this.#started * this.#spacingMs, willMiss: this.#willMiss }
  }

  #walk(spanMs: number, fromMs: number, endMs: number): void {
    for (const slot of this.#slots(spanMs, fromMs, endMs)) {
      const soonestMs = this.#firstMs + this.#started * this.#spacingMs
      if (this.#allInTime(slot, soonestMs)) this.#started += slot.jobs
      else if (slot.atMs + spanMs <= soonestMs) this.#willMiss += slot.jobs
      else if (spanMs > FINEST_MS) this.#walk(FINEST_MS, slot.atMs, slot.atMs + spanMs)
      else this.#split(slot, soonestMs)
    }
  }

  /** What is kept with the slots is for a pace of their own; a quicker one is all the more in time. */
  #allInTime({ leastMs, spacingMs }: Slot, soonestMs: number): boolean {
    return this.#spacingMs <= spacingMs && soonestMs <= leastMs
  }

  #split({ atMs, jobs }: Slot, soonestMs: number): void {
    const room = Math.floor((atMs - soonestMs) / this.#spacingMs) + 1
    const started = Math.min(jobs, Math.max(0, room))
    this.#started += started
    this.#willMiss += jobs - started
  }
}

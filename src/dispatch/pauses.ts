// Follows an operator's pauses: logs each change once, and expires paused jobs at their deadlines.
// The store itself returns no job of a paused region. Faults of the store are thrown.

import { escapeControls } from '../config/escape'
import type { Pause } from '../queue/operator'
import type { Plan } from '../queue/store'
import { expireJobs } from './expire'
import type { RegionSenderParts } from './region-sender'

export class Pauses {
  readonly #parts: RegionSenderParts
  /** The pauses that were logged last, by region. */
  #known: ReadonlyMap<string | undefined, Pause> = new Map()

  constructor(parts: RegionSenderParts) {
    this.#parts = parts
  }

  /** Returns the number of expired jobs. */
  async look({ pauses, regions }: Pick<Plan, 'pauses' | 'regions'>): Promise<number> {
    this.#say(new Map(pauses.map(pause => [pause.region, pause])))
    let expired = 0
    for (const region of pauses.flatMap(pause => pause.region ?? regions.map(one => one.region)))
      expired += await expireJobs(region, this.#parts)
    return expired
  }

  #say(paused: ReadonlyMap<string | undefined, Pause>): void {
    const { log } = this.#parts
    for (const [region, { sinceMs, who, reason }] of paused) {
      if (this.#known.has(region)) continue
      const by = who === undefined ? '' : ` by ${who}`
      const why = reason === undefined ? '' : `: ${reason}`
      const since = new Date(sinceMs).toISOString()
      log('warn', escapeControls(`paused by hand ${placeOf(region)}${by}, since ${since}; jobs wait${why}`))
    }
    for (const region of this.#known.keys()) {
      if (!paused.has(region)) log('notice', `resumed by hand ${placeOf(region)}`)
    }
    this.#known = paused
  }
}

function placeOf(region: string | undefined): string {
  return region === undefined ? 'in every region' : `in ${region}`
}

// What an operator has paused, as the dispatcher sees it: says each change once, and lets paused jobs expire.
// The store itself gives no job of a paused region; whatever it throws ends the look.

import type { Pause } from '../queue/operator'
import type { Plan } from '../queue/store'
import { expireJobs } from './expire'
import type { RegionSenderParts } from './region-sender'

export class Pauses {
  readonly #parts: RegionSenderParts
  /** As said last, by region. */
  #known: ReadonlyMap<string | undefined, Pause> = new Map()

  constructor(parts: RegionSenderParts) {
    this.#parts = parts
  }

  /** How many jobs have expired. */
  async look({ pauses, regions }: Pick<Plan, 'pauses' | 'regions'>): Promise<number> {
    this.#say(new Map(pauses.map(pause => [pause.region, pause])))
    let expired = 0
    for (const region of pauses.flatMap(pause => pause.region ?? regions.map(one => one.region)))
      expired += await expireJobs(region, this.#parts)
    return expired
  }

  #say(paused: ReadonlyMap<string | undefined, Pause>): void {
    const { log } = this.#parts
    for (const [region, { sinceMs }] of paused) {
      if (!this.#known.has(region))
        log('warn', `paused by hand ${placeOf(region)}, since ${new Date(sinceMs).toISOString()}; jobs wait`)
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

// What a job has taken lately, so that no more is admitted than can be sent: throttling, failures and slow answers count.
// Plain state in memory; without enough to go by, it is as the settings have it.

/** What is longer ago counts less: this long ago, a third. */
const MEMORY_MS = 120_000
/** Work of so many jobs tells something. */
const ENOUGH = 10
/** A process that was frozen wasn't slow. */
const LONGEST_MS = 60_000
/** In steps, so that the forecast isn't made anew all the time. */
const STEP = 1.1
/** A region in which nothing goes is no region in which a job takes for ever. */
const MOST = 30

/** Of one region. */
export class Throughput {
  #workedMs = 0
  #jobs = 0

  /** A call has ended, so long after the one before, with work for it all the time; and with it a job, or not. */
  add(tookMs: number, ended: boolean): void {
    const counted = Math.min(tookMs, LONGEST_MS)
    const kept = Math.exp(-counted / MEMORY_MS)
    this.#workedMs = this.#workedMs * kept + counted
    this.#jobs = this.#jobs * kept + (ended ? 1 : 0)
  }

  /** Milliseconds for each job, where `expectedMs` is the least. */
  perJobMs(expectedMs: number): number {
    if (this.#workedMs < ENOUGH * expectedMs) return expectedMs
    const times = this.#workedMs / Math.max(this.#jobs, 1) / expectedMs
    const steps = Math.ceil(Math.log(times) / Math.log(STEP))
    // less than a step more isn't worth another forecast
    return expectedMs * (steps <= 1 ? 1 : Math.min(STEP ** steps, MOST))
  }
}

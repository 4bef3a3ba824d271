// Measures the recent time for each job, with throttling, failures and slow answers, so that no more bounces are
// admitted than can be sent. Plain state in memory. Without enough jobs it is the value of the settings.

/** Older jobs count less: after this time, a third. */
const MEMORY_MS = 120_000
/** Jobs that are needed for a measurement. */
const ENOUGH = 10
/** Longer times are ignored, as the process was frozen. */
const LONGEST_MS = 60_000
/** The time changes in steps, so that the forecast isn't updated all the time. */
const STEP = 1.1
/** The most steps, for a region in which no call succeeds. */
const MOST = 30

/** The throughput of one region. */
export class Throughput {
  #workedMs = 0
  #jobs = 0

  /** Call it when a call has ended, so long after the one before, if jobs were waiting all the time. */
  add(tookMs: number, ended: boolean): void {
    const counted = Math.min(tookMs, LONGEST_MS)
    const kept = Math.exp(-counted / MEMORY_MS)
    this.#workedMs = this.#workedMs * kept + counted
    this.#jobs = this.#jobs * kept + (ended ? 1 : 0)
  }

  /** Milliseconds for each job, at least `expectedMs`. */
  perJobMs(expectedMs: number): number {
    if (this.#workedMs < ENOUGH * expectedMs) return expectedMs
    const times = this.#workedMs / Math.max(this.#jobs, 1) / expectedMs
    const steps = Math.ceil(Math.log(times) / Math.log(STEP))
    // less than a step more isn't worth another forecast
    return expectedMs * (steps <= 1 ? 1 : Math.min(STEP ** steps, MOST))
  }
}

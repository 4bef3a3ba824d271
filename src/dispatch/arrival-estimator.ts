// Estimates when SES has seen a call at the latest, as the distance to the next call is measured from there.
// If a request was delayed (a busy host, a slow network), the next one must not arrive too soon after it.

import type { MonoMs } from '../units'
import type { RequestTiming } from './stamping-agent'

/** Time for a request to arrive. A longer one would slow the pace if answers take long. */
const TRANSIT_MS = 25
/** Number of answers from which the usual latency is computed. */
const REMEMBERED = 31
/** With fewer answers, half of the median counts as the deviation. */
const ENOUGH = 5
/** An answer later than the median by so many median absolute deviations is unusual. */
const DEVIATIONS = 4

/** Estimates for one region. */
export class ArrivalEstimator {
  readonly #latenciesMs: number[] = []

  /** Monotonic milliseconds. */
  seenAtLatest({ opened, connectedMonoMs, flushedMonoMs }: RequestTiming, answeredMonoMs: MonoMs): number {
    // a handshake delays the request by an unknown time
    if (opened || flushedMonoMs === undefined) {
      if (connectedMonoMs !== undefined) this.#remember(answeredMonoMs - connectedMonoMs)
      return answeredMonoMs
    }
    const latencyMs = answeredMonoMs - flushedMonoMs
    const heldUp = this.#isUnusual(latencyMs)
    this.#remember(latencyMs)
    return heldUp ? answeredMonoMs : Math.min(answeredMonoMs, flushedMonoMs + TRANSIT_MS)
  }

  /** A late answer: the request or the answer was delayed, and it isn't known which. */
  #isUnusual(latencyMs: number): boolean {
    if (this.#latenciesMs.length === 0) return true
    const usualMs = median(this.#latenciesMs)
    const least = this.#latenciesMs.length < ENOUGH ? usualMs / 2 : 0
    const deviationMs = Math.max(least, median(this.#latenciesMs.map(known => Math.abs(known - usualMs))))
    return latencyMs > usualMs + Math.max(TRANSIT_MS, DEVIATIONS * deviationMs)
  }

  #remember(latencyMs: number): void {
    this.#latenciesMs.push(latencyMs)
    if (this.#latenciesMs.length > REMEMBERED) this.#latenciesMs.shift()
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

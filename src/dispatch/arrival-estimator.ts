// When SES has seen a call at the latest: what the next one's distance is measured from.
// A request that was held up on its way (a busy host, a network's hiccup) must not have the next one on its heels.

import type { RequestTiming } from './stamping-agent'

/** Time that a request is given to arrive. More would slow the pace where answers take long. */
const TRANSIT_MS = 25
/** Answers that tell what is usual. */
const REMEMBERED = 31
/** With fewer known, half of the usual counts as its deviation. */
const ENOUGH = 5
/** Median absolute deviations beyond the median from which on an answer is out of the usual. */
const DEVIATIONS = 4

/** Of one region. */
export class ArrivalEstimator {
  readonly #latenciesMs: number[] = []

  /** Monotonic milliseconds. */
  seenAtLatest({ opened, connectedMonoMs, flushedMonoMs }: RequestTiming, answeredMonoMs: number): number {
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

  /** A delay on the way there shows as a late answer; one on the way back can't be told from it. */
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

// Counts calls by outcome, their durations, and the ends of jobs. In memory, so counting never fails and never waits.

import { COUNTED } from '../queue/counters'
import type { Outcome } from '../queue/effects'
import type { JobState } from '../queue/job'
import type { MetricsBuffer } from '../queue/metrics-buffer'

/** SES answers within some tens of milliseconds; a call is given up after [ses] timeout, 10 s if nothing else is set. */
export const CALL_BUCKETS_S: readonly number[] = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
/** The label of the last bucket, as OpenMetrics has it. */
export const LAST_BUCKET = '+Inf'

const ENDS: ReadonlySet<string> = new Set<JobState>(['sent', 'failed', 'expired', 'held'])

export class CallCounts {
  readonly #metricsBuffer: MetricsBuffer

  constructor(metricsBuffer: MetricsBuffer) {
    this.#metricsBuffer = metricsBuffer
  }

  called(region: string, outcome: Outcome['kind'], tookMs: number): void {
    const seconds = Math.max(0, tookMs) / 1000
    const bucket = CALL_BUCKETS_S.find(most => seconds <= most)
    this.#metricsBuffer.count(COUNTED.calls, { region, outcome })
    this.#metricsBuffer.count(COUNTED.callBuckets, { region, le: String(bucket ?? LAST_BUCKET) })
    this.#metricsBuffer.count(COUNTED.callSum, { region }, seconds)
  }

  /** Counts jobs that have come to that state. Other states than ends aren't counted. */
  ended(region: string, state: JobState | 'split', jobs = 1): void {
    if (jobs > 0 && ENDS.has(state)) this.#metricsBuffer.count(COUNTED.ended, { region, state }, jobs)
  }
}

// Counts the durations of a process's statements to a database, and their faults. In memory, so counting never fails
// and never waits. Statements that are made to write these counts aren't counted: they would never come to an end.

import type { QueueErrorCode } from '../errors'
import { COUNTED } from './counters'
import type { MetricsBuffer } from './metrics-buffer'

/** A connection reports each statement to it. */
export interface StatementObserver {
  /** `op`: the name of the function, or `read`. */
  answered(op: string, tookMs: number): void
  failed(code: QueueErrorCode): void
}

/** A statement takes a millisecond or two; it is given up after [queue] timeout, 2 s if nothing else is set. */
export const STORE_BUCKETS_S: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]
/** The label of the last bucket, as OpenMetrics has it. */
export const LAST_BUCKET = '+Inf'

const OWN_OPS: ReadonlySet<string> = new Set(['add_counts'])

export class StoreCounts implements StatementObserver {
  readonly #metricsBuffer: MetricsBuffer

  constructor(metricsBuffer: MetricsBuffer) {
    this.#metricsBuffer = metricsBuffer
  }

  answered(op: string, tookMs: number): void {
    if (OWN_OPS.has(op)) return
    const seconds = Math.max(0, tookMs) / 1000
    const bucket = STORE_BUCKETS_S.find(most => seconds <= most)
    this.#metricsBuffer.count(COUNTED.storeBuckets, { op, le: String(bucket ?? LAST_BUCKET) })
    this.#metricsBuffer.count(COUNTED.storeSum, { op }, seconds)
  }

  failed(code: QueueErrorCode): void {
    this.#metricsBuffer.count(COUNTED.storeFaults, { cause: code.replace(/^QUEUE_/, '').toLowerCase() })
  }
}

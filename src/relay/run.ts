// `ses-bounce relay`: takes messages from the queue, several at a time, until it is told to stop; it then finishes
// the messages in hand.

import { setTimeout as wait } from 'node:timers/promises'
import { errorMessage } from '../errors'
import { type Handled, handleMessage, type RelayParts } from './handle-message'
import type { QueueAttributes } from './queues'

/** SQS can't be asked: the next try. */
const RETRY_MS = 5000
const DAY_S = 86_400
/** A message that waits comes again each 15 minutes; Haraka may be away for days. */
const LEAST_RECEIVES = 1000

/** Counts by result, for the metrics. */
export type RelayCounts = Record<Handled, number>

export function newRelayCounts(): RelayCounts {
  return { 'handed over': 0, waits: 0, dead: 0, test: 0, lost: 0 }
}

export interface RelayState {
  counts: RelayCounts
  /** When SQS last answered, on the monotonic clock. Undefined: not yet. */
  answeredMonoMs?: number
}

/** Never rejects. */
export async function runRelay(parts: RelayParts, state: RelayState, stop: AbortSignal): Promise<void> {
  await Promise.all(Array.from({ length: parts.settings.concurrency }, () => work(parts, state, stop)))
}

async function work(parts: RelayParts, state: RelayState, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    try {
      const message = await parts.queues.receive(stop)
      state.answeredMonoMs = performance.now()
      if (message !== undefined) state.counts[await handleMessage(message, parts)]++
    } catch (error) {
      if (stop.aborted) return
      parts.log(
        'error',
        `the queue can't be asked: ${errorMessage(error)}; tried again in ${RETRY_MS / 1000} s`,
      )
      await wait(RETRY_MS, undefined, { signal: stop }).catch(() => undefined)
    }
  }
}

/** Faults of the queues' settings by which mail would be lost: one line each. */
export function queueFaults(queue: QueueAttributes, deadLetters: QueueAttributes): string[] {
  const faults: string[] = []
  const { mostReceives } = queue
  if (mostReceives !== undefined && mostReceives < LEAST_RECEIVES)
    faults.push(
      `queue_url: its redrive policy gives a message up after ${mostReceives} receives; set maxReceiveCount to ${LEAST_RECEIVES} at least, as mail waits while Haraka is away`,
    )
  if (queue.retentionSeconds < 4 * DAY_S)
    faults.push(
      `queue_url: it keeps messages for ${days(queue)}; set MessageRetentionPeriod to 4 days at least`,
    )
  if (deadLetters.retentionSeconds < 14 * DAY_S)
    faults.push(
      `dead_letter_url: it keeps messages for ${days(deadLetters)}; set MessageRetentionPeriod to 14 days`,
    )
  return faults
}

function days({ retentionSeconds }: QueueAttributes): string {
  return `${(retentionSeconds / DAY_S).toFixed(1)} days`
}

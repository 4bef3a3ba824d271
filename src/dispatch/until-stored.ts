// Repeats a write to the queue until it has succeeded, so that the outcome of a call isn't lost while the disk is full
// or the database is away.

import { isLasting, QueueError, type QueueErrorCode } from '../errors'
import type { Eventually } from '../queue/store'
import { QueueFaults } from './queue-faults'
import type { RegionSenderParts } from './region-sender'

/** Pause after a fault of the store. */
export const STORE_RETRY_MS = 500

/** The texts that are logged while a write fails, and when it has succeeded. */
interface Said {
  meanwhile: string
  after: string
}

export const OUTCOME: Said = {
  meanwhile: 'the outcome of a call is kept in memory until it can be written',
  after: 'the outcome of the call is written',
}
export const NO_CALL: Said = {
  meanwhile: 'a call was not made, and its job is given back when that can be written',
  after: 'the job whose call was not made is given back',
}

/** With a signal it is given up at its abort. Rejects as `work` does, but for faults that pass. */
export async function untilStored<T>(
  { clock, log }: Pick<RegionSenderParts, 'clock' | 'log'>,
  work: () => Eventually<T>,
  { meanwhile, after }: Said,
  signal?: AbortSignal,
): Promise<T> {
  const faults = new QueueFaults(log, after)
  for (;;) {
    try {
      const result = await work()
      faults.works()
      return result
    } catch (error) {
      if (!passes(error) || signal?.aborted) throw error
      faults.failed(error, meanwhile)
      await clock.waitUntil(clock.monoMs() + STORE_RETRY_MS, signal)
    }
  }
}

/** The same write may succeed later. */
export function passes(error: unknown): error is QueueError {
  if (!(error instanceof QueueError) || error.code === 'QUEUE_LOCK_LOST') return false
  return !isLasting(error) || OF_SETTINGS.has(error.code)
}

/**
 * Somebody has to act on the database, and then it takes the outcome of a call. It is asked only for new connections.
 */
const OF_SETTINGS: ReadonlySet<QueueErrorCode> = new Set(['QUEUE_NOT_DURABLE', 'QUEUE_OLDER', 'QUEUE_NEWER'])

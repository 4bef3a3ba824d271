// Sends the dispatcher's heartbeats from taking the lead until its last call has ended, as a call may take longer than
// the time after which a silent dispatcher loses the lead.

import { asError } from '../errors'
import { QueueFaults } from './queue-faults'
import type { RegionSenderParts } from './region-sender'

const BEAT_MS = 1000

/** A fault ends the dispatching; while the last calls end, it is only logged. */
export class Heartbeats {
  readonly #ended = new AbortController()
  #isDispatching = true
  readonly #beating: Promise<void>
  #fault: unknown

  constructor(parts: RegionSenderParts, wake: () => void) {
    this.#beating = this.#beat(parts, wake)
  }

  /** Never rejects. */
  async #beat({ queue, clock, log }: RegionSenderParts, wake: () => void): Promise<void> {
    const { signal } = this.#ended
    const faults = new QueueFaults(log, 'heartbeats are written again')
    for (;;) {
      await clock.waitUntil(clock.monoMs() + BEAT_MS, signal)
      if (signal.aborted) return
      try {
        await queue.heartbeat(clock.monoMs())
        faults.works()
      } catch (error) {
        if (!this.#isDispatching) faults.failed(asError(error), 'no heartbeat could be written')
        this.#fault = error
        wake()
      }
    }
  }

  rethrow(): void {
    if (this.#fault !== undefined) throw this.#fault
  }

  /** Resolves when the calls have ended. */
  async until(calls: Promise<void>): Promise<void> {
    this.#isDispatching = false
    await calls
    this.#ended.abort()
    await this.#beating
  }
}

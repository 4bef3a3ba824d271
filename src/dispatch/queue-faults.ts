// Logs that the queue can't be used once, however long it lasts, and that it can be used again.

import type { QueueError } from '../errors'
import type { Log } from './region-sender'

export class QueueFaults {
  readonly #log: Log
  readonly #again: string
  #isOut = false

  /** `again`: the line for its end. */
  constructor(log: Log, again: string) {
    this.#log = log
    this.#again = again
  }

  /** `consequence`: of this fault for the caller. */
  failed({ message }: Pick<QueueError, 'message'>, consequence: string): void {
    if (!this.#isOut) this.#log('error', `${message}; ${consequence}`)
    this.#isOut = true
  }

  works(): void {
    if (this.#isOut) this.#log('notice', this.#again)
    this.#isOut = false
  }
}

// Logs that the queue can't be used once for each kind of fault, however long it lasts, and that it can be used again.

import type { QueueErrorCode } from '../errors'
import type { Log } from './region-sender'

export class QueueFaults {
  readonly #log: Log
  readonly #again: string
  /** The codes of the faults that were logged since the queue was last used. */
  readonly #codes = new Set<QueueErrorCode | undefined>()

  /** `again`: the line for its end. */
  constructor(log: Log, again: string) {
    this.#log = log
    this.#again = again
  }

  /** `consequence`: of this fault for the caller. */
  failed({ message, code }: { message: string; code?: QueueErrorCode }, consequence: string): void {
    if (!this.#codes.has(code)) this.#log('error', `${message}; ${consequence}`)
    this.#codes.add(code)
  }

  works(): void {
    if (this.#codes.size > 0) this.#log('notice', this.#again)
    this.#codes.clear()
  }
}

// Opens something at its first use, once for all that ask for it meanwhile. What could not be opened is opened anew at the
// next use.

import type { Eventually } from './store'

export class OpenOnce<T extends { close(): Eventually<void> }> {
  readonly #open: () => Eventually<T>
  #opened: Eventually<T> | undefined

  /** `open` may throw, or reject. */
  constructor(open: () => Eventually<T>) {
    this.#open = open
  }

  get(): Eventually<T> {
    if (this.#opened !== undefined) return this.#opened
    const opened = this.#open()
    this.#opened = opened
    if (opened instanceof Promise) opened.catch(() => this.#forget(opened))
    return opened
  }

  /** Closes what was opened; the next use opens it anew. A fault of the closing doesn't matter to anybody. */
  close(): Eventually<void> {
    const opened = this.#opened
    this.#opened = undefined
    if (opened instanceof Promise) return opened.then(one => one.close()).catch(() => undefined)
    const closed = opened?.close()
    return closed instanceof Promise ? closed.catch(() => undefined) : closed
  }

  #forget(opened: Eventually<T>): void {
    if (this.#opened === opened) this.#opened = undefined
  }
}

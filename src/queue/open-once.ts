// Opens something at its first use, once for all that ask for it meanwhile. After a fault the next use opens
// it anew.

import type { Eventually } from './store'

export class OpenOnce<T extends { close(): Eventually<void> }> {
  readonly #open: () => Eventually<T>
  #opened: Eventually<T> | undefined
  #value: T | undefined

  /** `open` may throw, or reject. */
  constructor(open: () => Eventually<T>) {
    this.#open = open
  }

  get(): Eventually<T> {
    if (this.#opened !== undefined) return this.#opened
    const opened = this.#open()
    this.#opened = opened
    if (opened instanceof Promise) this.#settle(opened)
    else this.#value = opened
    return opened
  }

  /** The opened value. Undefined: none is open now. */
  get value(): T | undefined {
    return this.#value
  }

  /** Closes what was opened; the next use opens it anew. A fault of the closing doesn't matter to anybody. */
  close(): Eventually<void> {
    const opened = this.#opened
    this.#opened = undefined
    this.#value = undefined
    if (opened instanceof Promise) return opened.then(one => one.close()).catch(() => undefined)
    try {
      const closed = opened?.close()
      return closed instanceof Promise ? closed.catch(() => undefined) : closed
    } catch {
      return
    }
  }

  #settle(opened: Promise<T>): void {
    opened.then(
      value => {
        if (this.#opened === opened) this.#value = value
      },
      () => {
        if (this.#opened === opened) this.#opened = undefined
      },
    )
  }
}

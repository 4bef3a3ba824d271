// How many bytes of mails are held at a time to be read: more mails wait, so that many large ones at once can't fill the memory.
// Large mails wait for large ones only.

import { WorkerThreadError } from './worker-thread-error'

const MB = 1024 * 1024
/** Nine of ten mails are smaller. */
const SMALL_BYTES = MB
/** One of SES's largest (40 MB) and a few others. */
const LARGE_TOTAL_BYTES = 48 * MB
const SMALL_TOTAL_BYTES = 16 * MB
/** With the mail's own reading and the task's time below the 30 s that Haraka gives a plugin. */
const LONGEST_WAIT_MS = 10_000

export class MailMemory {
  readonly #large = new Share(LARGE_TOTAL_BYTES)
  readonly #small = new Share(SMALL_TOTAL_BYTES)

  /** The work holds so many bytes until it is done. Rejects when there is no room for them in time. */
  async hold<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    const share = bytes <= SMALL_BYTES ? this.#small : this.#large
    await share.take(bytes)
    try {
      return await work()
    } finally {
      share.give(bytes)
    }
  }
}

interface Waiting {
  bytes: number
  start: () => void
}

/** Whoever comes first is served first; one that is larger than all of it is served alone. */
class Share {
  readonly #totalBytes: number
  readonly #waiting: Waiting[] = []
  #usedBytes = 0

  constructor(totalBytes: number) {
    this.#totalBytes = totalBytes
  }

  take(bytes: number): Promise<void> {
    if (this.#waiting.length === 0 && this.#hasRoom(bytes)) {
      this.#usedBytes += bytes
      return Promise.resolve()
    }
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        bytes,
        start: () => {
          clearTimeout(timer)
          this.#usedBytes += bytes
          resolve()
        },
      }
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
        reject(new WorkerThreadError('too many large mails wait for their content to be read'))
        this.#startNext()
      }, LONGEST_WAIT_MS)
      this.#waiting.push(waiting)
    })
  }

  give(bytes: number): void {
    this.#usedBytes -= bytes
    this.#startNext()
  }

  #startNext(): void {
    for (let next = this.#waiting[0]; next && this.#hasRoom(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift()
      next.start()
    }
  }

  #hasRoom(bytes: number): boolean {
    return this.#usedBytes === 0 || this.#usedBytes + bytes <= this.#totalBytes
  }
}

// Limits the bytes of mails that are in memory to be read, so that many large mails at once can't fill the memory.
// Further mails wait; large ones wait only for other large ones.

import { WorkerThreadError } from './worker-thread-error'

const MB = 1024 * 1024
/** Larger mails share LARGE_TOTAL_BYTES. Nine of ten mails are smaller. */
const SMALL_BYTES = MB
/** Enough for one of SES's largest mails (40 MB) and a few others. */
const LARGE_TOTAL_BYTES = 48 * MB
const SMALL_TOTAL_BYTES = 16 * MB
/** Together with reading the mail and the task itself this stays below the 30 s that Haraka gives a plugin. */
const LONGEST_WAIT_MS = 10_000

export class MailMemory {
  readonly #large = new Share(LARGE_TOTAL_BYTES)
  readonly #small = new Share(SMALL_TOTAL_BYTES)

  /**
   * Runs the work when there is room for its bytes, which stay reserved until it is done. Rejects if there is none in
   * time.
   */
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

/** Serves in order of arrival. Work that is larger than the whole share runs alone. */
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

// Caches a page for a second in which the queue doesn't change, as it would be identical. So frequent requests don't
// delay mail.

import type { Reply } from './reply'

export class Kept {
  #of: readonly unknown[] = []
  #reply: Promise<Reply> | undefined

  /**
   * `of`: all values that the page depends on. Requests that come while the page is made get the same one. If `make`
   * rejects, nothing is cached.
   */
  reply(of: readonly unknown[], make: () => Promise<Reply>): Promise<Reply> {
    const isSame = of.length === this.#of.length && of.every((part, index) => part === this.#of[index])
    if (this.#reply !== undefined && isSame) return this.#reply
    const reply = make()
    this.#of = of
    this.#reply = reply
    reply.catch(() => {
      if (this.#reply === reply) this.#reply = undefined
    })
    return reply
  }
}

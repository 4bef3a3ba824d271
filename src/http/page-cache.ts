// Caches a page for a second in which the queue doesn't change, as it would be identical. So frequent requests don't
// delay mail.

import type { Reply } from './reply'

export class Kept {
  #of: readonly unknown[] = []
  #reply: Reply | undefined

  /** `of`: all values that the page depends on. If `make` throws, nothing is cached. */
  reply(of: readonly unknown[], make: () => Reply): Reply {
    const isSame = of.length === this.#of.length && of.every((part, index) => part === this.#of[index])
    if (this.#reply !== undefined && isSame) return this.#reply
    this.#reply = undefined
    const reply = make()
    this.#of = of
    this.#reply = reply
    return reply
  }
}

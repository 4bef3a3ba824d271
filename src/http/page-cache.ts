// A page is made once for all who ask within a second in which nobody wrote: it would be the same to the letter.
// Whoever looks ten times a second, or in ten windows, costs the mail no more than one who looks twice.

import type { Reply } from './reply'

export class Kept {
  #of: readonly unknown[] = []
  #reply: Reply | undefined

  /** `of`: all that the page comes of. What `make` throws is thrown, and nothing is kept. */
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

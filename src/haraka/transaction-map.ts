// A value for each transaction, for facts that are kept about every mail.
// It is a property of the transaction: an entry of a WeakMap keeps its value until the next full garbage collection, so that
// the values of thousands of mails are copied about, which costs more than deciding about the mails.

import type { HarakaTransaction } from './types'

export class TransactionMap<T> {
  /** Haraka and other plugins neither see it nor copy it. */
  readonly #key = Symbol('ses-bounce')

  get(transaction: HarakaTransaction): T | undefined {
    return (transaction as Values<T>)[this.#key]
  }

  set(transaction: HarakaTransaction, value: T): void {
    const values = transaction as Values<T>
    values[this.#key] = value
  }
}

type Values<T> = HarakaTransaction & Record<symbol, T | undefined>

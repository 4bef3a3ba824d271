// Finds relays with one fault in most of their mail. Says so once an hour for each relay. Memory is bounded.

import type { MonoMs } from '../units'

interface Counts {
  mails: number
  faulty: number
}

const HOUR_MS = 3_600_000
/** The fewest mails for a warning about a relay: fewer may be an exception. */
const FEWEST_MAILS = 3
/** Relays that are counted in an hour. Further ones are counted in the next. */
const MOST_RELAYS = 1000

export class MostMail {
  readonly #counts = new Map<string, Counts>()
  readonly #told = new Set<string>()
  #hourEndsMonoMs = Number.NEGATIVE_INFINITY

  /** Counts a mail. True, at most once an hour: most mail of the relay has the fault. */
  note(relayIp: string, isFaulty: boolean, nowMonoMs: MonoMs): boolean {
    if (nowMonoMs >= this.#hourEndsMonoMs) {
      this.#counts.clear()
      this.#told.clear()
      this.#hourEndsMonoMs = nowMonoMs + HOUR_MS
    }
    const known = this.#counts.get(relayIp)
    if (known === undefined && this.#counts.size >= MOST_RELAYS) return false
    const counts = known ?? { mails: 0, faulty: 0 }
    if (known === undefined) this.#counts.set(relayIp, counts)
    counts.mails++
    if (isFaulty) counts.faulty++
    if (counts.mails < FEWEST_MAILS || counts.faulty * 2 <= counts.mails || this.#told.has(relayIp))
      return false
    this.#told.add(relayIp)
    return true
  }
}

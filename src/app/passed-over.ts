// Mail for which no rule can hold is passed over, but warnings about a relay need facts about some of it: a few mails
// an hour are looked at for them. In memory, for one process.

import type { MonoMs } from '../units'

const HOUR_MS = 3_600_000
/** Reading SES's fields costs as much as passing over several mails, and a day's warnings need no more. */
const MOST_AN_HOUR = 20

export class PassedOverSamples {
  #hourEndsMonoMs = Number.NEGATIVE_INFINITY
  #left = 0

  /** Whether this mail is to be looked at. */
  takes(nowMonoMs: MonoMs): boolean {
    if (nowMonoMs >= this.#hourEndsMonoMs) {
      this.#hourEndsMonoMs = nowMonoMs + HOUR_MS
      this.#left = MOST_AN_HOUR
    }
    return this.#left-- > 0
  }
}

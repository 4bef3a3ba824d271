// How fast a region's calls follow each other: SES's word wins over `[limit] interval`, as other callers share the account.
// Plain state in memory; never faster than the interval.

/** Throttling makes the interval so many times as long: rather a few times in a row than once too much. */
const GROWTH = 1.5
/** What an answer that isn't Throttling leaves of the excess: a slow return, or every second call would be throttled. */
const LEFT = 0.8
/** An excess that nobody would notice is none. */
const LEAST_EXCESS = 0.02
/** The account has callers that never pause. */
const LONGEST_MS = 30_000

/** Of one region. */
export class Pace {
  #slowdown: number

  /** `slowdown`: as an earlier dispatcher left it. */
  constructor(slowdown = 1) {
    this.#slowdown = Math.max(1, slowdown)
  }

  /** At least 1: how many times as long as `[limit] interval` the interval is now. */
  get slowdown(): number {
    return this.#slowdown
  }

  /** From a call to the next one, at `[limit] interval`, in milliseconds, without slack. */
  intervalMs(leastMs: number): number {
    return Math.max(leastMs, Math.min(leastMs * this.#slowdown, LONGEST_MS))
  }

  throttled(leastMs: number): void {
    this.#slowdown = Math.min(this.#slowdown * GROWTH, Math.max(1, LONGEST_MS / leastMs))
  }

  /** SES has looked at a call. */
  taken(): void {
    const excess = (this.#slowdown - 1) * LEFT
    this.#slowdown = excess < LEAST_EXCESS ? 1 : 1 + excess
  }
}

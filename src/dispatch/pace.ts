// The interval between a region's calls. It grows while SES throttles, as other callers share the account, and is never
// shorter than `[limit] interval`. Plain state in memory.

/** Each throttled call multiplies the interval by this: small, as several in a row may follow. */
const GROWTH = 1.5
/** Each other answer multiplies the excess by this: a slow decrease, or every second call would be throttled. */
const LEFT = 0.8
/** A smaller excess counts as none. */
const LEAST_EXCESS = 0.02
/** The longest interval, for an account with callers that never pause. */
const LONGEST_MS = 30_000

/** The pace of one region. */
export class Pace {
  #slowdown: number

  /** `slowdown`: the value that an earlier dispatcher left. */
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

  /** Call it when SES has accepted or refused a call without throttling. */
  taken(): void {
    const excess = (this.#slowdown - 1) * LEFT
    this.#slowdown = excess < LEAST_EXCESS ? 1 : 1 + excess
  }
}

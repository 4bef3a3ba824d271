// A machine whose time moves only while everybody waits, and goes wrong on command: its wall clock is set, it stands
// still, sleeps, starts again. What runs on it gets its Clock, and for the length of `run` the global timers too.
// Whatever waits when the machine's processes are killed waits for ever.

import type { Clock } from '../../src/dispatch/clock'

interface Timer {
  atMs: number
  ring: () => void
}

/** The time of the first boot: any moment will do. */
const START_WALL_MS = Date.UTC(2025, 1, 20, 12, 38, 4)

export class World implements Clock {
  /** True time, in milliseconds since the beginning: what SES's patience is measured with. */
  trueMs = 0
  bootId = 'boot 1'
  #boots = 1
  #wallOffsetMs = START_WALL_MS
  #bootedAtMs = -100_000
  #timers = new Set<Timer>()

  nowMs(): number {
    return this.trueMs + this.#wallOffsetMs
  }

  monoMs(): number {
    return this.trueMs - this.#bootedAtMs
  }

  waitUntil(monoMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      if (signal?.aborted) return resolve()
      const stop = this.after(monoMs - this.monoMs(), () => {
        signal?.removeEventListener('abort', done)
        resolve()
      })
      const done = () => {
        stop()
        resolve()
      }
      signal?.addEventListener('abort', done, { once: true })
    })
  }

  /** Call the answer to have it forgotten. */
  after(ms: number, ring: () => void): () => void {
    const timer = { atMs: this.trueMs + Math.max(0, ms), ring }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  setWallClock(byMs: number): void {
    this.#wallOffsetMs += byMs
  }

  /** Nothing runs for so long. */
  standStill(ms: number): void {
    this.trueMs += ms
  }

  /** Sleeps like a laptop: Linux's monotonic clock stands still meanwhile (clock_gettime(2), CLOCK_MONOTONIC). */
  sleep(ms: number): void {
    this.trueMs += ms
    this.#bootedAtMs += ms
  }

  killAll(): void {
    this.#timers.clear()
  }

  startAgain(): void {
    this.killAll()
    this.#bootedAtMs = this.trueMs - 1000
    this.#boots += 1
    this.bootId = `boot ${this.#boots}`
  }

  /** Time goes on until `isOver`, at the longest for so long. False: it wasn't. */
  async run(isOver: () => boolean, longestMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    const endMs = this.trueMs + longestMs
    const giveBack = this.#takeTimers()
    try {
      for (;;) {
        // whatever can run without waiting has run after one turn
        await new Promise(resolve => setImmediate(resolve))
        if (isOver()) return true
        const next = this.#next()
        if (next === undefined || next.atMs > endMs) {
          this.trueMs = Math.max(this.trueMs, Number.isFinite(endMs) ? endMs : 0)
          return false
        }
        this.#timers.delete(next)
        this.trueMs = Math.max(this.trueMs, next.atMs)
        next.ring()
      }
    } finally {
      giveBack()
    }
  }

  #next(): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) if (first === undefined || timer.atMs < first.atMs) first = timer
    return first
  }

  /** Bottleneck knows no other. */
  #takeTimers(): () => void {
    const { setTimeout: realSetTimeout, clearTimeout: realClearTimeout } = globalThis
    const realNow = Date.now
    const set = (ring: () => void, ms = 0) => this.after(ms, ring)
    // what was set in real time is no function
    const clear = (timer: unknown) => {
      if (typeof timer === 'function') timer()
      else realClearTimeout(timer as NodeJS.Timeout)
    }
    Object.assign(globalThis, { setTimeout: set, clearTimeout: clear })
    Date.now = () => this.nowMs()
    return () => {
      Object.assign(globalThis, { setTimeout: realSetTimeout, clearTimeout: realClearTimeout })
      Date.now = realNow
    }
  }
}

// Time for the dispatcher: wall clock for deadlines, monotonic clock for the pace.
// On Linux and macOS the monotonic clock is the machine's, so that processes can compare it.

import type { EpochMs, MonoMs } from '../units'

export interface Clock {
  /** Milliseconds since the epoch. */
  nowMs(): EpochMs
  /** Milliseconds, with fractions, of a clock that is never set. */
  monoMs(): MonoMs
  /** Resolves not before that monotonic time, or early when the signal aborts. Never rejects. */
  waitUntil(monoMs: MonoMs, signal?: AbortSignal): Promise<void>
}

/** setTimeout may fire a millisecond early, so the last part is waited in turns of the event loop. */
const COARSE_MS = 2
/** Longer timers would overflow and fire at once (2^31 ms), so long waits are split. */
const LONGEST_TIMER_MS = 60_000

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monoMs,
  async waitUntil(untilMs, signal) {
    for (;;) {
      const leftMs = untilMs - monoMs()
      if (leftMs <= 0 || signal?.aborted) return
      if (leftMs > COARSE_MS) await timer(Math.min(leftMs - COARSE_MS, LONGEST_TIMER_MS), signal)
      else await new Promise(resolve => setImmediate(resolve))
    }
  },
}

/** This machine's clocks, but with the wall clock of a queue. */
export function clockOf(queue: { clock: Pick<Clock, 'nowMs'> }): Clock {
  return { ...systemClock, nowMs: () => queue.clock.nowMs() }
}

function monoMs(): MonoMs {
  return Number(process.hrtime.bigint()) / 1e6
}

function timer(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      clearTimeout(timeout)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timeout = setTimeout(done, ms)
    signal?.addEventListener('abort', done, { once: true })
  })
}

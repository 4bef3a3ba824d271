// The pace as SES saw it: the calls that came too soon after the one before, in a form that tells which.
// The emulator runs in this process, which may have been busy, or not run at all, as a call came: that is known.

import type { Call } from '../../../src/ses-emulator/call'

/** How often the process looks whether it runs. */
const TICK_MS = 2

let [beforeMs, lastMs] = [performance.now(), performance.now()]
setInterval(() => {
  beforeMs = lastMs
  lastMs = performance.now()
}, TICK_MS).unref()

const lags = new WeakMap<Call, number>()

/**
 * For the emulator's `onCall`. A call that is read now came after the tick before the last: until then there was none.
 */
export function noteLag(call: Call): void {
  lags.set(call, Math.max(0, performance.now() - beforeMs))
}

/** How late it was read at most. */
export function lagOf(call: Call): number {
  return lags.get(call) ?? 0
}

/** `call 7: 80 ms after the one before`, for each that came sooner than that. `from`: index of the first call. */
export function tooSoon(calls: readonly Call[], intervalMs: number, from = 0): string[] {
  return calls.slice(from + 1).flatMap((call, index) => {
    const before = calls[from + index] ?? call
    const lagMs = lagOf(before)
    const gapMs = call.atMs - before.atMs
    return gapMs + lagMs < intervalMs
      ? [`call ${call.number}: ${gapMs} ms after the one before, which was read ${lagMs} ms late at most`]
      : []
  })
}

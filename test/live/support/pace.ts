// What SES saw of the pace: the calls that came too soon after the one before, in a form that tells which.
// The stand-in runs in the test's process, which may have been busy, or not run at all, as a call came: that is known.

import type { Call } from '../../../src/ses-emulator/call'

/** How often the process looks whether it runs. */
const TICK_MS = 2

let [beforeMs, lastMs] = [performance.now(), performance.now()]
setInterval(() => {
  beforeMs = lastMs
  lastMs = performance.now()
}, TICK_MS).unref()

const lags = new WeakMap<Call, number>()

/** As the stand-in's `onCall`. What is read now came after the tick before the last: until then nothing was there. */
export function noteLag(call: Call): void {
  lags.set(call, Math.max(0, performance.now() - beforeMs))
}

/** `call 7: 80 ms after the one before`, for each that came sooner than that. `from`: index of the first call. */
export function tooSoon(calls: readonly Call[], intervalMs: number, from = 0): string[] {
  return calls.slice(from + 1).flatMap((call, index) => {
    const before = calls[from + index] ?? call
    const lagMs = lags.get(before) ?? 0
    const gapMs = call.atMs - before.atMs
    return gapMs + lagMs < intervalMs
      ? [`call ${call.number}: ${gapMs} ms after the one before, which was read ${lagMs} ms late at most`]
      : []
  })
}

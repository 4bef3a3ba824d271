// What SES saw of the pace: the calls that came too soon after the one before, in a form that tells which.

import type { Call } from '../../../src/local-ses/call'

/** `call 7: 80 ms after the one before`, for each that came sooner than that. `from`: index of the first call. */
export function tooSoon(calls: readonly Call[], intervalMs: number, from = 0): string[] {
  return calls.slice(from + 1).flatMap((call, index) => {
    const gapMs = call.atMs - (calls[from + index]?.atMs ?? 0)
    return gapMs < intervalMs ? [`call ${call.number}: ${gapMs} ms after the one before`] : []
  })
}

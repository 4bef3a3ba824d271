// Whether the bounces that a mail asks for would start in time, those that it asked for itself counted.
// The queue looks again when it takes them, so that two workers can't pass together.

import type { Settings } from '../config/settings'
import type { BounceRequest } from '../policy/decision'
import { type Forecast, forecastSpacingMs, latenessOf } from '../queue/admission'
import { callKey } from '../queue/calls'
import type { WorkerQueue } from '../queue/store'

const TEXTS = {
  itself: 'the queue is too long for its deadline',
  another: 'the queue is too long for those behind it',
} as const

/** A dispatcher that was silent for so long is more than restarting. */
const SILENCE_MS = 120_000

export function forecast({ limit, window }: Settings, nowMonoMs: number): Forecast {
  return { nowMonoMs, spacingMs: forecastSpacingMs(limit), marginMs: window.marginMs }
}

export interface Admitter {
  /** Why a bounce would be late, or make another late. */
  (request: BounceRequest): string | undefined
  /** It will be taken: those that follow come after it. */
  count(request: BounceRequest): void
}

/** One for each mail. Its bounces have one region and one deadline, as they have one receipt. */
export function admitter(queue: () => WorkerQueue, nowMs: number, supposed: Forecast): Admitter {
  const calls = new Set<string>()
  const late = (request: BounceRequest) => {
    if (calls.has(callKey(request))) return undefined
    const { region, deadlineMs } = request
    const ahead = queue().ahead(region, deadlineMs, supposed.nowMonoMs)
    const lateness = latenessOf(ahead, deadlineMs, nowMs, supposed, calls.size)
    return lateness && TEXTS[lateness]
  }
  return Object.assign(late, { count: (request: BounceRequest) => void calls.add(callKey(request)) })
}

/** A bounce that nobody would send isn't taken. @throws Error, for a temporary refusal */
export function mustBeAlive(queue: WorkerQueue, nowMonoMs: number): void {
  const startedMonoMs = nowMonoMs - process.uptime() * 1000
  const silentMs = nowMonoMs - Math.max(queue.lastHeartbeat() ?? startedMonoMs, startedMonoMs)
  if (silentMs > SILENCE_MS)
    throw new Error(`no dispatcher has given a sign of life for ${Math.round(silentMs / 1000)} s`)
}

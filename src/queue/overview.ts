// The queue at a glance: how much of what there is, and what will become of it at the present pace.
// Pure, and an estimate: what comes later, and what SES answers, nobody knows.

import type { JobState } from './job'
import type { Pace } from './store'

/** The dispatcher gives a sign every second; in so long it would have started again. */
export const SILENT_MS = 30_000

export interface QueueOverview {
  /** Jobs. */
  states: Record<JobState, number>
  /** By name. */
  regions: RegionOverview[]
  /** What SES takes nothing from at the moment, one try a minute apart. Without a sender: the whole region. */
  blocked: { region: string; bounceSender?: string; nextTryMs: number }[]
  /** When the oldest of the jobs that wait was made. */
  oldestMs?: number
  /** Of the jobs that wait. */
  nextDeadlineMs?: number
  /** Of the machine's monotonic clock; undefined: none since it started. */
  dispatcherBeatMonoMs?: number
}

/** Recipients by the rule that bounced them. */
export interface RuleCount {
  rule: string
  states: Partial<Record<JobState, number>>
}

export interface RegionOverview extends Projection {
  region: string
  /** From one call to the next at the moment: while SES throttles, more than it is set. */
  spacingMs: number
  /** What a job has taken lately, where that is more. */
  jobMs: number
  queued: number
  sending: number
  /** Of the queued: not due yet, since their last try was in vain. */
  later: number
  nextDeadlineMs?: number
  /** By hand, of this region or of all. */
  pausedSinceMs?: number
  /** Within the last minute: calls that ended, those that SES made a bounce of, and those that it throttled. */
  lastMinute: { calls: number; sent: number; throttled: number }
}

export interface Projection {
  /** Until the last of those that can be in time has started, if each takes `jobMs`. */
  drainMs: number
  /** Jobs that can't start before their last moment. */
  willMiss: number
}

/** `deadlines`: of the jobs of one region, soonest first. One that is too late is left out, and takes nobody's turn. */
export function project(
  deadlines: Iterable<number>,
  nowMs: number,
  { spacingMs, marginMs }: Pick<Pace, 'spacingMs' | 'marginMs'>,
): Projection {
  let started = 0
  let willMiss = 0
  for (const deadlineMs of deadlines) {
    if (nowMs + started * spacingMs > deadlineMs - marginMs) willMiss++
    else started++
  }
  return { drainMs: started * spacingMs, willMiss }
}

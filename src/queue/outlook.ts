// Whether the waiting jobs of a lane go out, and from when on: a forecast counts pauses, failures and back-off. Pure.

import type { EpochMs } from '../units'
import type { LaneFailure } from './call-failure'
import type { Pause } from './operator'
import { type Blocker, isDispatching, type Projection, type QueueStats, type RegionStats } from './stats'

/** Reasons that may keep the jobs of lanes from being sent. */
export interface Obstacles {
  pauses: readonly Pause[]
  blocked: readonly Blocker[]
  failing: readonly LaneFailure[]
}

/** Jobs of a lane that wait for another attempt, whose time hasn't come. */
export interface BackOff {
  /** The deadlines of those whose next attempt would be too late, soonest first. */
  lost: readonly EpochMs[]
  /** The latest next attempt of the others. */
  lastDueMs?: EpochMs
}

type Lane = Pick<RegionStats, 'region' | 'queued' | 'jobMs' | 'lastMinute'>

/** The time from which calls of the lane may pass. Infinity: not before somebody acts. `isSure`: they do pass. */
export function callsPassFrom(
  { region, lastMinute }: Pick<Lane, 'region' | 'lastMinute'>,
  { pauses, blocked, failing }: Obstacles,
  nowMs: EpochMs,
): { ms: number; isSure: boolean } {
  const isPaused = pauses.some(pause => pause.region === undefined || pause.region === region)
  if (isPaused) return { ms: Number.POSITIVE_INFINITY, isSure: false }
  const blockers = blocked.filter(one => one.region === region)
  const tries = [
    ...blockers.filter(({ bounceSender }) => bounceSender === undefined),
    ...failing.filter(one => one.region === region),
  ]
  const ms = Math.max(nowMs, ...tries.map(({ nextTryMs = nowMs }) => nextTryMs))
  const isThrottled = lastMinute.throttled > 0 && lastMinute.sent === 0
  // the lane's other senders go on when one is blocked, and the jobs of the blocked one aren't counted apart
  return { ms, isSure: tries.length + blockers.length === 0 && !isThrottled }
}

/** `projected`: the projection from a time on, without the jobs that are lost. */
export function forecastOf(
  lane: Lane,
  obstacles: Obstacles,
  { lost, lastDueMs = 0 }: BackOff,
  nowMs: EpochMs,
  projected: (fromMs: number) => Projection,
): Pick<RegionStats, 'drainMs' | 'willMiss' | 'isStopped'> {
  const from = callsPassFrom(lane, obstacles, nowMs)
  if (from.ms === Number.POSITIVE_INFINITY) return { willMiss: lane.queued, isStopped: true }
  const { drainMs, willMiss } = projected(from.ms)
  const backOffMs = lastDueMs > nowMs ? lastDueMs - nowMs + lane.jobMs : 0
  return {
    willMiss: willMiss + lost.length,
    ...(from.isSure && { drainMs: Math.max(drainMs, backOffMs) }),
  }
}

/** While no dispatcher runs, nothing goes out before somebody acts. */
export function withoutDispatcher(stats: QueueStats): QueueStats {
  if (isDispatching(stats)) return stats
  const regions = stats.regions.map(({ drainMs: _unknown, ...lane }) => ({
    ...lane,
    willMiss: lane.queued,
    isStopped: true as const,
  }))
  return { ...stats, regions }
}

/** The numbers that remain without the others. Both lists are in order. */
export function without(all: readonly number[], others: readonly number[]): readonly number[] {
  if (others.length === 0) return all
  let next = 0
  return all.filter(one => {
    while (next < others.length && (others[next] ?? 0) < one) next++
    if (others[next] !== one) return true
    next++
    return false
  })
}

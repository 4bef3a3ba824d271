// The queue in numbers, the same for the status page, the command line and the metrics. Plain data.
// Cheap to read however long the queue is. Projections are estimates: later mail and SES's answers aren't known.

import type { EpochMs } from '../units'
import type { LaneFailure } from './call-failure'
import type { ReloadState } from './counters'
import type { JobState } from './job'
import type { MailPlace, StoredMail } from './mail-ledger'
import type { Pace, Pause } from './operator'

/** The dispatcher's heart beats every second; within this time a dead one would have been started again. */
export const SILENT_MS = 30_000

export interface QueueStats {
  states: Record<JobState, number>
  /** By region and state. Missing ones are 0. */
  jobs: readonly { region: string; state: JobState; jobs: number }[]
  /** The regions, by name. */
  regions: readonly RegionStats[]
  pauses: readonly Pause[]
  blocked: readonly Blocker[]
  /** The lanes whose calls fail, by name. */
  failing?: readonly LaneFailure[]
  /** The time when the oldest waiting job was added. */
  oldestMs?: EpochMs
  /** The soonest deadline of the waiting jobs. */
  nextDeadlineMs?: EpochMs
  /** Time since the last heartbeat of a dispatcher. Undefined: there was none since the machine started. */
  silentMs?: number
  /** Mail on disk. */
  mail: Record<MailPlace, StoredMail>
  /** The state of this host's configuration files, if several hosts share the queue. */
  reload: ReloadState
  /** Undefined: the queue belongs to this host alone. By name. */
  hosts?: readonly HostStats[]
  /** `host`: of the dispatcher that leads; undefined: none leads now. Present with `hosts`. */
  leader?: { term: number; host?: string }
}

/** A host that was seen within a day. */
export interface HostStats {
  id: string
  name: string
  /** The version of this package. */
  version: string
  /** The digest of its configuration files. */
  config: string
  startedMs: EpochMs
  seenMs: EpochMs
  /** Time since then. */
  silentMs: number
  /** The time by which its clock is ahead of the queue's. */
  skewMs: number
}

/** The time between two notes of a host about itself. */
export const TELL_EVERY_MS = 10_000
/** A host that has missed six of these is gone. */
export const HOST_GONE_MS = 6 * TELL_EVERY_MS

/** A host that was last seen before that may be gone. */
export const HOST_LATE_MS = 2.5 * TELL_EVERY_MS

/** The hosts that run now, as far as is known. */
export function presentHosts({ hosts = [] }: Pick<QueueStats, 'hosts'>): HostStats[] {
  return hosts.filter(({ silentMs }) => silentMs <= HOST_GONE_MS)
}

export interface RegionStats {
  region: string
  /** The present time from one call to the next; while SES throttles, longer than set. */
  spacingMs: number
  /** The recent time for each job, if that is longer. */
  jobMs: number
  queued: number
  sending: number
  held: number
  /** The number of queued jobs whose next attempt isn't due yet. */
  later: number
  nextDeadlineMs?: EpochMs
  /** The beginning of a pause by hand, of this region or of all. */
  pausedSinceMs?: EpochMs
  /** In the last minute: calls that ended, calls with a bounce, and throttled calls. */
  lastMinute: { calls: number; sent: number; throttled: number }
  /**
   * Time until the last job that can be in time has started, with `jobMs` for each, back-off included. Undefined: not
   * known, as nothing gets through, or nothing of a bounce sender.
   */
  drainMs?: number
  /** Queued jobs that can't start before their last moment; where `isStopped`, all of them. */
  willMiss: number
  /** Nothing goes out before somebody acts: a pause by hand, or no dispatcher. */
  isStopped?: true
}

/** A forecast in which each call is made. */
export interface Projection {
  drainMs: number
  willMiss: number
}

/** A bounce sender that SES refuses at the moment; one job is tried each minute. Without a sender: the whole region. */
export interface Blocker {
  region: string
  bounceSender?: string
  nextTryMs: EpochMs
  /** The reason of one of its jobs, for the first 20 blockers only. */
  why?: string
}

/** Recipients by the rule that bounced them. */
export interface RuleCount {
  rule: string
  states: Partial<Record<JobState, number>>
}

/** The length of a bucket. The triggers in schema.sql have the same number, frozen. */
export const ACTIVITY_BUCKET_MS = 300_000

/** Counts of jobs in a bucket of time. */
export interface ActivityBucket {
  fromMs: EpochMs
  /** New ones, and those that were tried again after their end. */
  came: number
  /** Ended with a bounce. */
  sent: number
  /** Ended without one. */
  others: number
}

/** Jobs that came and went, and the number that waits, all of one moment. */
export interface Activity {
  /** Oldest first. Empty ones may be missing. */
  buckets: readonly ActivityBucket[]
  /** Queued, sending or held. */
  waiting: number
}

/** Waiting jobs, by their deadlines. */
export interface DeadlineBucket {
  fromMs: EpochMs
  spanMs: number
  jobs: number
}

export function isDispatching({ silentMs = Number.POSITIVE_INFINITY }: QueueStats): boolean {
  return silentMs <= SILENT_MS
}

/** `deadlines`: of the jobs of one region, soonest first. One that is too late is left out, and uses no time. */
export function project(
  deadlines: Iterable<number>,
  nowMs: EpochMs,
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

// The queue in figures, as metrics and pages show it: cheap to read however long the queue is. Plain data.

import type { DecisionNote, ReloadState, RuleHits, Sum } from './counters'
import type { Job, JobState } from './job'
import type { MailPlace, StoredMail } from './mail-ledger'
import type { Projection } from './overview'
import type { RelaySigns } from './relay-signs'
import type { Pace } from './store'

export interface QueueFigures {
  /** By region and state; what isn't there is 0. */
  jobs: { region: string; state: JobState; jobs: number }[]
  /** By name. */
  regions: RegionFigures[]
  /** How many bounce senders SES takes nothing from at the moment, and whether it takes anything in the region at all. */
  blocked: { region: string; senders: number; isWhole: boolean }[]
  /** Of the machine's monotonic clock; undefined: none since it started. */
  dispatcherBeatMonoMs?: number
  reload: ReloadState
}

/** The projection is an estimate where the queue is long: up to 16 s of jobs too many miss their window, never too few. */
export interface RegionFigures extends Projection {
  region: string
  /** From one call to the next at the moment: while SES throttles, more than it is set. */
  spacingMs: number
  queued: number
  nextDeadlineMs?: number
  /** By hand, this region or all. */
  isPaused: boolean
}

/** How long spans of time are. The triggers in schema.sql have the same figure, frozen. */
export const ACTIVITY_BUCKET_MS = 300_000

/** Of jobs, in a span of time. */
export interface ActivityBucket {
  fromMs: number
  /** New ones, and those that were tried again after their end. */
  came: number
  /** Ended with a bounce. */
  sent: number
  /** Ended without one. */
  others: number
}

/** Jobs that wait, by their deadlines. */
export interface DeadlineBucket {
  fromMs: number
  spanMs: number
  jobs: number
}

/** What SES takes nothing from at the moment, one try a minute apart. Without a sender: the whole region. */
export interface Blocker {
  region: string
  bounceSender?: string
  nextTryMs: number
  /** In the words that one of its jobs has. */
  why?: string
}

/** Every method throws QueueError. Reads only; never holds up a writer. */
export interface FiguresReader {
  /** Changes when anybody has written. */
  version(): number
  figures(nowMs: number, pace: Pace): QueueFigures
  /** What all processes have counted. */
  sums(): Sum[]
  /** Latest first. */
  decisions(limit?: number): DecisionNote[]
  /** Most of them first. */
  ruleHits(): RuleHits[]
  reload(): ReloadState
  /** Jobs that wait, by deadline. */
  soonest(limit: number): Job[]
  /** Those that begin then or later, oldest first, of the last day; one in which nothing came or ended may be missing. */
  spans(fromMs: number): ActivityBucket[]
  /** Soonest first. */
  deadlineBuckets(): DeadlineBucket[]
  /** What there is of mail on disk. */
  mailTotals(): Record<MailPlace, StoredMail>
  /** Twenty at most; figures count them all. */
  blockers(): Blocker[]
  /** Whether relays seem to rewrite recipients. */
  relaySigns(nowMs: number): RelaySigns
  close(): void
}

// What people see of the queue, and what an operator changes by hand beside a running dispatcher.
// Every method throws QueueError; nothing of that call has happened then.

import type { Result } from '../errors'
import type { DecisionNote, RuleHits, Sum } from './counters'
import type { Job, JobEvent, JobState } from './job'
import type { MailLedger, MailPlace, StoredMail } from './mail-ledger'
import type { RelaySigns } from './relay-signs'
import type { ActivityBucket, DeadlineBucket, QueueStats, RuleCount } from './stats'

/** Jobs wait, and expire at their deadline. */
export interface Pause {
  /** Undefined: every region. */
  region?: string
  sinceMs: number
}

/** As it is set. */
export interface Pace {
  /** From one call to the next. */
  spacingMs: number
  /** What a job takes in a forecast. */
  forecastMs: number
  /** Before the end of a job's window. */
  marginMs: number
}

/** What a job must have, all of it; what is undefined doesn't matter. */
export interface JobQuery {
  states?: readonly JobState[]
  region?: string
  sesId?: string
  /** Of one of its recipients. */
  rule?: string
  /** An address, or `@host`. */
  sender?: string
  /** An address. */
  recipient?: string
  /** The most jobs to be given. */
  limit?: number
  /** `next` of the page before. */
  before?: number
}

/** `next`: where the next page goes on; undefined: there is none. */
export interface JobPage {
  jobs: Job[]
  next?: number
}

export const JOB_ACTIONS = ['retry', 'cancel', 'hold'] as const
export type JobAction = (typeof JOB_ACTIONS)[number]

/** Of a change by hand; a fault: why nothing was changed. */
export type ByHand = Result<{ from: JobState; to: JobState }>

/** Reads only, and never holds up a writer. */
export interface QueueReader {
  /** Changes when anybody has written. */
  version(): number
  job(id: string): Job | undefined
  history(id: string): JobEvent[]
  pauses(): Pause[]
  /** Waiting jobs by deadline, then ended ones, latest change first. Read one by one: others may write meanwhile. */
  jobs(query?: Omit<JobQuery, 'before'>): IterableIterator<Job>
  /** Newest first, a bounded number of jobs looked at: fewer than `limit`, even none, with a `next` means go on. */
  page(query: JobQuery & { limit: number }): JobPage
  /** Queued jobs, soonest deadline first; quick in a long queue. */
  soonest(limit: number): Job[]
  stats(now: { ms: number; monoMs: number }, pace: Pace): QueueStats
  /** Counts every job: takes its time in a long queue, and can read files of earlier versions. */
  countByState(): Record<JobState, number>
  /** Most of them first; takes its time in a long queue. */
  countByRule(): RuleCount[]
  /** Those that a job on record is of, or a call was made in; in the order of their names. */
  regions(): string[]
  /** What all processes have counted. */
  sums(): Sum[]
  /** Latest first. */
  decisions(limit?: number): DecisionNote[]
  /** Most of them first. */
  ruleHits(): RuleHits[]
  /** Those that begin then or later, oldest first, of the last day; one in which nothing happened may be missing. */
  activity(fromMs: number): ActivityBucket[]
  /** Soonest first. */
  deadlineBuckets(): DeadlineBucket[]
  mailTotals(): Record<MailPlace, StoredMail>
  /** Whether relays seem to rewrite recipients. */
  relaySigns(nowMs: number): RelaySigns
  close(): void
}

/**
 * Changes only jobs that no dispatcher holds; each change is one durable transaction, and an event in the job's history.
 * A dispatcher sees it at its next look.
 */
export interface OperatorQueue extends QueueReader {
  /** held, failed, expired, cancelled -> queued, where it can still start in time. */
  retry(id: string, nowMs: number, pace: Pace): ByHand
  /** queued, held -> cancelled */
  cancel(id: string, nowMs: number): ByHand
  /** queued -> held */
  hold(id: string, nowMs: number): ByHand
  /** False: it was paused already. */
  pause(region: string | undefined, nowMs: number): boolean
  /** Undefined: all that is paused. False: nothing of it was. */
  resume(region: string | undefined): boolean
  /** For mail that leaves the quarantine by hand. */
  readonly mail: Pick<MailLedger, 'letGo' | 'gone' | 'putBack'>
  /** Shared by the processes of the queue file, and known to nobody else: 64 hex digits. */
  secret(): string
  /** A session of the status page; for every process of the queue file, on disk when it returns. */
  endSession(id: string, endMs: number, nowMs: number): void
  isSessionEnded(id: string): boolean
}

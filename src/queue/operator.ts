// The queue's interface for views, and for an operator's changes while a dispatcher runs.
// Every method may throw QueueError, or reject with it; then the call has changed nothing.

import type { Result } from '../errors'
import type { ReleaseTokens } from '../quarantine/release-token'
import type { EpochMs, MonoMs } from '../units'
import type { Audit, AuditDraft, AuditReader } from './audit'
import type { DecisionNote, RuleHits, Sum } from './counters'
import type { Job, JobEvent, JobState } from './job'
import type { MailLedger, MailPlace, StoredMail } from './mail-ledger'
import type { RelaySigns } from './relay-signs'
import type { Activity, DeadlineBucket, QueueStats, RuleCount } from './stats'
import type { Eventually, QueueClock } from './store'

/** A pause by hand: jobs wait, and expire at their deadline. */
export interface Pause {
  /** Undefined: every region. */
  region?: string
  sinceMs: EpochMs
  /** The operator's reason, in their own words. */
  reason?: string
  /** The operator, as in the audit. */
  who?: string
}

/** The pace by the settings. */
export interface Pace {
  /** Time from one call to the next. */
  spacingMs: number
  /** Time for each job in a forecast. */
  forecastMs: number
  /** Time before the end of a job's window in which no call starts. */
  marginMs: number
}

/** A filter for jobs. All defined fields must match. */
export interface JobQuery {
  states?: readonly JobState[]
  region?: string
  sesId?: string
  /** The rule of one of its recipients. */
  rule?: string
  /** An address, or `@host`. */
  sender?: string
  /** An address. */
  recipient?: string
  /** A part of the reason for its state, in any case of the letters of ASCII. */
  reason?: string
  /** Its last change was then or later. */
  sinceMs?: EpochMs
  /** Its last change was before then. */
  untilMs?: EpochMs
  /** The most jobs to return. */
  limit?: number
  /** `next` of the page before. */
  before?: number
}

/** A recipient of an SES mail. */
export interface MailRecipient {
  sesId: string
  address: string
}

export interface JobInState {
  id: string
  state: JobState
}

/** `next`: `before` of the next page. Undefined: there is none. */
export interface JobPage {
  jobs: Job[]
  next?: number
}

/**
 * retry: held, failed, expired, cancelled -> queued, where it can still start in time; cancel: queued, held -> cancelled;
 * hold: queued -> held.
 */
export const JOB_ACTIONS = ['retry', 'cancel', 'hold'] as const
export type JobAction = (typeof JOB_ACTIONS)[number]

/** The most jobs that are changed in one transaction: other writers wait meanwhile, some 20 ms. */
export const MOST_CHANGED = 100

/** A change of jobs by hand. */
export interface JobChange {
  action: JobAction
  nowMs: EpochMs
  /** For a retry: whether it can start in time. */
  pace: Pace
  audit?: AuditDraft
}

/** The changes of one transaction of a flush. */
export interface Flushed {
  /** Jobs that are tried now. */
  jobs: number
  /** Senders and regions that waited, as SES refuses them, and are tried now. */
  lifted: number
  /** False: more jobs wait; flush again. */
  isDone: boolean
}

/** The result of a change by hand. A fault: the reason why nothing was changed. */
export type ByHand = Result<{ from: JobState; to: JobState }>

/** Only reads, and never blocks a writer. */
export interface QueueReader {
  /** All times but monotonic ones are this clock's. */
  readonly clock: QueueClock
  /** Changes with every write of any process. */
  version(): Eventually<number>
  job(id: string): Eventually<Job | undefined>
  history(id: string): Eventually<JobEvent[]>
  pauses(): Eventually<Pause[]>
  /** Waiting jobs by deadline, then ended ones, latest change first. Read one by one: others may write meanwhile. */
  jobs(query?: Omit<JobQuery, 'before'>): Iterable<Job> | AsyncIterable<Job>
  /** Newest first. Reads a limited number of jobs, so a page with a `next` may have fewer than `limit`, or none. */
  page(query: JobQuery & { limit: number }): Eventually<JobPage>
  /** Queued jobs, soonest deadline first; quick in a long queue. */
  soonest(limit: number): Eventually<Job[]>
  stats(now: { ms: EpochMs; monoMs: MonoMs }, pace: Pace): Eventually<QueueStats>
  /** Counts every job: slow in a long queue, but also reads files of earlier versions. */
  countByState(): Eventually<Record<JobState, number>>
  /** The largest first. Slow in a long queue. */
  countByRule(): Eventually<RuleCount[]>
  /** Regions with a job on record or a call, in the order of their names. */
  regions(): Eventually<string[]>
  /** The sums of all processes, or of this host's alone. */
  sums(scope?: { ofThisHost?: boolean }): Eventually<Sum[]>
  /** Latest first. */
  decisions(limit?: number): Eventually<DecisionNote[]>
  /** Most of them first. */
  ruleHits(): Eventually<RuleHits[]>
  /** The activity in the buckets of the last day that begin then or later. */
  activity(fromMs: EpochMs): Eventually<Activity>
  /** For each of these recipients its job. Undefined: there is none on record. */
  statesOf(recipients: readonly MailRecipient[]): Eventually<(JobInState | undefined)[]>
  /** Jobs that failed or expired then or later, latest first, and how many there are. */
  lostSince(sinceMs: EpochMs, limit: number): Eventually<{ jobs: Job[]; all: number }>
  /** Soonest first. */
  deadlineBuckets(): Eventually<DeadlineBucket[]>
  mailTotals(): Eventually<Record<MailPlace, StoredMail>>
  /** The record of actions by hand. */
  readonly audit: AuditReader
  /** Whether relays seem to rewrite recipients. */
  relaySigns(nowMs: EpochMs): Eventually<RelaySigns>
  close(): Eventually<void>
}

/**
 * Changes only jobs that no dispatcher has claimed. Each change is one durable transaction with an event in the job's
 * history. A dispatcher sees it at its next poll.
 */
export interface OperatorQueue extends QueueReader {
  /** No more than MOST_CHANGED jobs, in one transaction. The results are in the order of the ids. */
  change(ids: readonly string[], change: JobChange): Eventually<ByHand[]>
  /**
   * Waiting jobs of a region, or of all, are tried now and not after their pause: a limited number in one transaction, and
   * the senders and regions that SES refuses.
   */
  flush(region: string | undefined, nowMs: EpochMs, audit?: AuditDraft): Eventually<Flushed>
  /**
   * False: it was paused already; another reason takes the place of the one before. `audit`: its reason and name are those
   * of the pause.
   */
  pause(region: string | undefined, nowMs: EpochMs, audit?: AuditDraft): Eventually<boolean>
  /** Undefined: all pauses. False: there was none. */
  resume(region: string | undefined, audit?: AuditDraft): Eventually<boolean>
  /** The record of actions by hand. */
  readonly audit: Audit
  /** The ledger for mail in the quarantine, and for mail that leaves it by hand. */
  readonly mail: Pick<MailLedger, 'files' | 'latest' | 'letGo' | 'gone' | 'putBack'>
  /** Undefined: tokens are files of the Haraka directory. */
  readonly releaseTokens?: ReleaseTokens
  /** A secret that only the processes of the queue file share: 64 hex digits. */
  secret(): Eventually<string>
  /** Ends a session of the status page for every process. On disk when it returns. */
  endSession(id: string, endMs: EpochMs, nowMs: EpochMs): Eventually<void>
  isSessionEnded(id: string): Eventually<boolean>
}

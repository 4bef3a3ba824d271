// The durable queue's promise, apart from how it is kept: an engine's duties, and a caller's guarantees.
//
// - What `add` has returned is on disk: no crash of a process, nor of the machine, loses it.
// - `add` is all or nothing: a mail's recipients are written together, or none is.
// - A recipient of an SES mail is added once, as long as its job is on record.
// - One dispatcher leads. Only it changes a job that is `sending`, and each of its writes fails with QUEUE_LOCK_LOST once
//   another has taken the lead. Terms only grow. A process that can't write makes no call.
// - A dispatcher that takes the lead finds every job that an earlier one left as `sending`: one whose call hadn't begun is
//   queued as before, one whose call had begun is tried again (or held), as its outcome is unknown.
// - Calls of a region are spaced by the store's own record of the last start, which outlives every dispatcher.
// - Every write can be repeated, as its answer may be lost: `add` answers `known`, `claim` gives back first what was claimed
//   and never began, `begin` and `release` change nothing, `settle` answers what it answered.
// - A method that fails throws QueueError, or rejects with it. Nothing of that call has happened then, or, where the answer
//   was lost, all of it has.
// - Times of a process's own monotonic clock stay with that process; other processes' times are given as durations. The
//   engine itself knows the identity of a process, and whether another one is alive.

import type { Eventually } from '../eventually'
import type { BounceRequest, Cap } from '../policy/decision'
import type { ReleaseTokens } from '../quarantine/release-token'
import type { AddressKey, EpochMs, MonoMs } from '../units'
import type { AuditDraft } from './audit'
import type { Forecast } from './forecast'
import type { Job, JobState, Submitted } from './job'
import type { MailLedger } from './mail-ledger'
import type { Pause } from './operator'
import type { InterruptionLimits, InterruptionPause } from './transitions'

/** SQLite answers at once, another engine may answer later. Callers await both. */
export type { Eventually } from '../eventually'

export interface Ahead {
  /** Queued jobs with deadlines up to the end of that second. */
  jobs: number
  /** The least of the later jobs' deadlines, less a spacing for each job before them all. Infinity: there is none. */
  laterMs: number
  /** The time for each job in the region, from the dispatcher. 0: not known yet. */
  spacingMs: number
  /** Time since the start of the region's last call. Negative: it is planned. Infinity: there was none. */
  sinceLastStartMs: number
}

/** A recipient that was submitted before. */
export interface KnownRecipient {
  jobId: string
  state: JobState
  rule: string
  /** The time when the job was made. */
  createdAtMs: EpochMs
  /** The name under which the mail was kept for it. */
  kept?: string
  /** The result of `callKey`: requests with the same key join the waiting job. Undefined: none can. */
  call?: string
}

/** The results of a submission with a key. `digest`: of that submission. */
export interface IdempotencyRecord {
  digest: string
  results: readonly Submitted[]
}

/** A worker's question before it decides. */
export interface Question {
  sesId?: string
  /** The facts of one mail that admission needs. */
  bounce?: { region: string; deadlineMs: EpochMs; caps: readonly Cap[]; nowMonoMs: MonoMs }
  /** The key of a submission. */
  idempotencyKey?: string
  nowMs: EpochMs
}

export interface Seen {
  /** The mail's recipients that were submitted before, by `addressKey`. */
  known: ReadonlyMap<AddressKey, KnownRecipient>
  /** Present if the question has `bounce`. */
  bounce?: {
    /** Time since the last heartbeat of a dispatcher. Infinity: there was none since the machine started. */
    silentMs: number
    ahead: Ahead
    /** For each of the caps: the number of bounces that count towards it now, up to the cap itself. */
    counted: readonly number[]
  }
  /** The record of the key, which is deleted with the jobs of its time. */
  record?: IdempotencyRecord
}

export interface AddOptions {
  /** Undefined: a queue of any length accepts the requests. */
  forecast?: Forecast
  /** `add` throws if the mail of a request's `kept` isn't counted, or is about to be removed. */
  mustBeKept?: true
  /** If the submission is written, its results are stored under the key in the same transaction. */
  record?: { key: string; digest: string }
  /** For a submission by hand: its entry in the audit, with the number of bounces that were added. */
  audit?: AuditDraft
}

/** The worker's side of the queue. */
export interface WorkerQueue {
  /** All times but monotonic ones are this clock's. */
  readonly clock: QueueClock
  look(question: Question): Eventually<Seen>
  /**
   * Adds the bounces of one mail in one durable transaction: all, or none when a result is `ended`, `overloaded` or
   * `capped`. None and no result: the record's key has results already.
   */
  add(requests: readonly BounceRequest[], nowMs: EpochMs, options?: AddOptions): Eventually<Submitted[]>
  /** The mail on disk. */
  readonly mail: Pick<MailLedger, 'reserve' | 'startRemoval' | 'endRemoval'>
  /** Undefined: tokens are files of the Haraka directory. */
  readonly releaseTokens?: ReleaseTokens
  close(): Eventually<void>
}

/** `monoMs`: of the caller's monotonic clock. */
export interface Now {
  ms: number
  monoMs: MonoMs
}

export interface LeadLimits extends InterruptionLimits {
  /** A dispatcher without a heartbeat for so long has lost the lead. */
  staleMs: number
  /** Where an earlier leader may be alive, on another host: the pause after which an interrupted call is tried again. */
  pause?: InterruptionPause
}

export interface Lead {
  /** Greater than that of any lead before. */
  term: number
  /** Jobs that an earlier dispatcher left as `sending`, in the state that they are in now. */
  found: Job[]
}

/** The dispatcher that leads. */
export interface LeaderElsewhere {
  host: string
  term: number
  /** Time to the next look at it. */
  askAgainMs: number
}

export interface PlanQuestion {
  nowMs: EpochMs
  /** A pause that lasts longer is left from before the clock was set back. */
  longestPauseMs: number
  /** Undefined: all regions. */
  region?: string
  /** The version of an earlier plan: if nothing was written since then, no new plan is made. */
  since?: number
  /** The pace for forecasts from now on, for some regions apart. With a long queue it takes a while to work in. */
  forecast?: { spacingMs: number; regions?: ReadonlyMap<string, number> }
}

/** The dispatcher's work. */
export interface Plan {
  /** Changes when another process has written. */
  version: number
  /** All regions that have ever had a job. */
  regions: RegionPlan[]
  /** The pauses by hand: their jobs aren't due, and can't be claimed. */
  pauses: Pause[]
}

export interface RegionPlan {
  region: string
  /** When the first of its jobs is due (epoch ms; 0: at once). Undefined: none waits. */
  dueMs?: EpochMs
  /** The value that was stored with the last settled call, else 1. */
  slowdown: number
}

/** The limits of a claim. */
export interface Spacing {
  spacingMs: number
  notBeforeMonoMs: MonoMs
  /** A pause that lasts longer is left from before the clock was set back. */
  longestPauseMs: number
  /** A job nearer to its deadline than this isn't claimed, but expires. */
  marginMs?: number
}

export interface Claim {
  job: Job
  /** The number of this job's claims. Writes for an earlier claim are refused. */
  number: number
  /** On the caller's monotonic clock: the call may start then, not earlier. */
  startAtMonoMs: MonoMs
}

/** The effect of a call on its job. `held`: its outcome is unknown, too often to try again. */
export type Effect =
  | { state: 'sent'; messageId: string; detail: string }
  | { state: 'held'; detail: string }
  | {
      state: 'failed'
      detail: string
      /**
       * If it isn't the mail's fault, until when the jobs of that region and bounce sender wait, and until when this
       * one.
       */
      pauses?: { untilMs: EpochMs; ownUntilMs: EpochMs }
    }
  | {
      state: 'queued'
      what: 'throttled' | 'retry' | 'unknown outcome'
      notBeforeMs: EpochMs
      detail: string
      /** SES accepts nothing from the bounce sender, or in the region: all its jobs wait as long. */
      blocks?: 'sender' | 'region'
    }

/** A bounce sender, or without one a region, that is paused now, or works again. */
export interface StateChange {
  region: string
  bounceSender?: string
  isPaused: boolean
  /** Why. */
  detail?: string
}

export interface Settling {
  ms: number
  /** On the caller's monotonic clock: when SES may have seen the call at the latest. */
  seenMonoMs: MonoMs
  /** The present interval as a multiple of the setting, for the next dispatcher and for views. */
  slowdown?: number
}

export interface Settled {
  /** The job's state now. */
  state: 'sent' | 'failed' | 'held' | 'queued' | 'split'
  changes: StateChange[]
}

/** The time of the queue: of its database, or of the machine that has its file. */
export interface QueueClock {
  /** Without a question: the host's time until there was an answer. */
  nowMs(): EpochMs
  /** False: there was no answer yet. */
  readonly isKnown: boolean
  /** The same, after a question if there was no answer yet. Throws or rejects as other questions do. */
  learn(): Eventually<EpochMs>
}

/** The dispatcher's side of the queue. */
export interface DispatcherQueue {
  /** All times but monotonic ones are this clock's. */
  readonly clock: QueueClock
  /**
   * Takes the lead and recovers the jobs of an earlier dispatcher. Undefined: another dispatcher has the lead, and gives
   * heartbeats. `now` is asked once the queue is locked, which may take seconds: the pace counts from then, as SES may
   * have seen an earlier dispatcher's call as late as that.
   */
  takeLead(now: () => Now, limits: LeadLimits): Eventually<Lead | undefined>
  /** Where hosts share the queue: the leader that `takeLead` has found last. Undefined: it found none. */
  leaderElsewhere?(): LeaderElsewhere | undefined
  heartbeat(nowMonoMs: MonoMs): Eventually<void>
  /** So the next dispatcher doesn't wait. */
  giveUpLead(): Eventually<void>
  /** Undefined: nothing was written since the given version. */
  plan(question: PlanQuestion): Eventually<Plan | undefined>
  /** Ends queued jobs of a region whose last moment has passed, a bounded number at a time. */
  expire(region: string, nowMs: EpochMs, marginMs: number): Eventually<Job[]>
  /**
   * The job with the soonest deadline that is due and not over; durable together with its planned start. A job that
   * the region has claimed and not begun is given back first: a region has one claim at a time.
   */
  claim(region: string, now: Now, spacing: Spacing): Eventually<Claim | undefined>
  /** Gives a claimed job back whose call hasn't begun. */
  release(claim: Claim, nowMs: EpochMs): Eventually<void>
  /** The call begins now: from here on its outcome is unknown until it is settled. */
  begin(claim: Claim, now: Now): Eventually<void>
  /**
   * Records the outcome of the call. When five mails in a row were refused with the same error, their jobs are queued
   * again, and the bounce sender is paused in that region.
   */
  settle(claim: Claim, effect: Effect, now: Settling): Eventually<Settled>
  /** The last time when an operator wanted every waiting job of the region to be tried at once. 0: never. */
  flushedMs(region: string): Eventually<EpochMs>
  /** Deletes ended jobs that changed last before that time, a limited number. Returns the number. */
  prune(beforeMs: EpochMs): Eventually<number>
  close(): Eventually<void>
}

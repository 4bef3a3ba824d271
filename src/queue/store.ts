// The durable queue's promise, apart from how it is kept: what an engine must do, and what a caller may rely on.
//
// - What `add` has returned is on disk: no crash of a process, nor of the machine, loses it.
// - `add` is all or nothing: a mail's recipients are written together, or none is.
// - A recipient of an SES mail is taken once, as long as its job is on record.
// - One dispatcher leads. Only it changes a job that is `sending`, and each of its writes fails with QUEUE_LOCK_LOST once
//   another has taken the lead. Terms only grow. A process that can't write makes no call.
// - A dispatcher that takes the lead finds every job that an earlier one left as `sending`: one whose call hadn't begun is
//   queued as before, one whose call had begun is tried again (or held), as its outcome is unknown.
// - Calls of a region are spaced by the store's own record of the last start, which outlives every dispatcher.
// - Every write can be repeated, as its answer may be lost: `add` answers `known`, `claim` gives back first what was claimed
//   and never began, `begin` and `release` change nothing, `settle` answers what it answered.
// - A method that fails throws QueueError, or rejects with it. Nothing of that call has happened then, or, where the answer
//   was lost, all of it has.
// - Times of a process' own monotonic clock stay with that process: what others did is told as a duration. Who a process is,
//   and whether another one lives, an engine knows by itself.

import type { BounceRequest, Cap } from '../policy/decision'
import type { Forecast } from './forecast'
import type { Job, JobState, Submitted } from './job'
import type { Full, MailLedger } from './mail-ledger'
import type { Pause } from './operator'
import type { InterruptionLimits } from './transitions'

/** SQLite answers at once, another engine may answer later. Callers await both. */
export type Eventually<T> = T | Promise<T>

export interface Ahead {
  /** Queued, with deadlines up to the end of that second. */
  jobs: number
  /** The least of the later jobs' deadlines, less a spacing for each job before them all. Infinity: there is none. */
  laterMs: number
  /** What a job takes in the region, as the dispatcher found last; 0: it hasn't been there. */
  spacingMs: number
  /** Since the start of the region's last call; negative: it is planned. Infinity: there was none. */
  sinceLastStartMs: number
}

/** A recipient that was submitted before. */
export interface KnownRecipient {
  jobId: string
  state: JobState
  rule: string
  /** Of the job. */
  createdAtMs: number
  /** The name under which the mail was kept for it. */
  kept?: string
  /** As `callKey` makes it: requests with it join the job, which waits. Undefined: none can. */
  call?: string
}

/** What came of a submission with a key; `digest`: of that submission. */
export interface IdempotencyRecord {
  digest: string
  results: readonly Submitted[]
}

/** What a worker asks before it decides, all at once. */
export interface Question {
  sesId?: string
  /** Of one mail. */
  bounce?: { region: string; deadlineMs: number; caps: readonly Cap[]; nowMonoMs: number }
  /** Of a submission. */
  idempotencyKey?: string
  nowMs: number
}

export interface Seen {
  /** The mail's recipients that were submitted before, by `addressKey`. */
  known: ReadonlyMap<string, KnownRecipient>
  /** Where a bounce was asked about. */
  bounce?: {
    /** Since the last heartbeat of a dispatcher; Infinity: there was none since the machine started. */
    silentMs: number
    ahead: Ahead
    /** For each of the caps: how many bounces count towards it now, up to the cap itself. */
    counted: readonly number[]
  }
  /** Of the key; it is forgotten with the jobs of its time. */
  record?: IdempotencyRecord
}

export interface AddOptions {
  /** Without one a queue of any length accepts them. */
  forecast?: Forecast
  /** Throws when the mail isn't on disk; nobody deletes it from there on, until `add` has returned. */
  mustBeKept?: () => void
  /** Where the submission is written, its results are kept under the key in the same transaction. */
  record?: { key: string; digest: string }
}

/** What a worker needs. */
export interface WorkerQueue {
  look(question: Question): Eventually<Seen>
  /**
   * Adds the bounces of one mail in one durable transaction: all, or none when a result is `ended`, `overloaded` or
   * `capped`. None and no result: the record's key has results already.
   */
  add(requests: readonly BounceRequest[], nowMs: number, options?: AddOptions): Eventually<Submitted[]>
  readonly mail: WorkerMail
  close(): Eventually<void>
}

/** The mail on disk, as MailLedger has it. */
export interface WorkerMail {
  reserve(...files: Parameters<MailLedger['reserve']>): Eventually<Full | undefined>
  removeUnused(...files: Parameters<MailLedger['removeUnused']>): Eventually<void>
}

/** `monoMs`: of the caller's monotonic clock. */
export interface Now {
  ms: number
  monoMs: number
}

export interface LeadLimits extends InterruptionLimits {
  /** A dispatcher that gave no heartbeat for so long has lost the lead. */
  staleMs: number
}

export interface Lead {
  /** Greater than that of any lead before. */
  term: number
  /** Jobs that an earlier dispatcher left as `sending`, in the state that they are in now. */
  found: Job[]
}

export interface PlanQuestion {
  nowMs: number
  /** A pause that lasts longer is left from before the clock was set back. */
  longestPauseMs: number
  /** Only this one is asked about. */
  region?: string
  /** Of an earlier plan: where nothing was written since, there is no need of another. */
  since?: number
  /** What forecasts count with from now on, for some regions apart. With a long queue it takes a while to work in. */
  forecast?: { spacingMs: number; regions?: ReadonlyMap<string, number> }
}

/** What a dispatcher has to do. */
export interface Plan {
  /** Another one once another process has written. */
  version: number
  /** All that a job was ever of. */
  regions: RegionPlan[]
  /** What an operator has paused: nothing of it is due, or can be claimed. */
  pauses: Pause[]
}

export interface RegionPlan {
  region: string
  /** When the first of its jobs is due (epoch ms; 0: at once). Undefined: none waits. */
  dueMs?: number
  /** As it was given last with a call that was settled; else 1. */
  slowdown: number
}

/** What a claim must keep to. */
export interface Spacing {
  spacingMs: number
  notBeforeMonoMs: number
  /** A pause that lasts longer is left from before the clock was set back. */
  longestPauseMs: number
  /** Too near its deadline a job isn't given out, but expires. */
  marginMs?: number
}

export interface Claim {
  job: Job
  /** Counts the claims of this job: what is written for an earlier one is refused. */
  number: number
  /** On the caller's monotonic clock: the call may start then, not earlier. */
  startAtMonoMs: number
}

/** What a call came to, as it changes the job; `held`: its outcome is unknown, and may not be tried for again. */
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
      pauses?: { untilMs: number; ownUntilMs: number }
    }
  | {
      state: 'queued'
      what: 'throttled' | 'retry' | 'unknown outcome'
      notBeforeMs: number
      detail: string
      /** SES takes nothing from the bounce sender, whose jobs wait as long, or in the region, which does. */
      blocks?: 'sender' | 'region'
    }

/** A bounce sender, or without one a region, that is paused from now on, or works again. */
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
  seenMonoMs: number
  /** How many times as long the interval is from now on as it was set: for the next dispatcher, and for views. */
  slowdown?: number
}

export interface Settled {
  /** What the job is by now. */
  state: 'sent' | 'failed' | 'held' | 'queued' | 'split'
  changes: StateChange[]
}

/** What the dispatcher needs. */
export interface DispatcherQueue {
  /**
   * Takes the lead, unless another dispatcher has it that lives and gives heartbeats; undefined then. Puts in order what
   * an earlier one left.
   */
  takeLead(now: Now, limits: LeadLimits): Eventually<Lead | undefined>
  heartbeat(nowMonoMs: number): Eventually<void>
  /** The next dispatcher needn't wait. */
  giveUpLead(): Eventually<void>
  /** Undefined: nothing was written since the version that was asked for. */
  plan(question: PlanQuestion): Eventually<Plan | undefined>
  /** Ends queued jobs of a region whose last moment has passed, a bounded number at a time. */
  expire(region: string, nowMs: number, marginMs: number): Eventually<Job[]>
  /**
   * The job with the soonest deadline that is due and not over; durable together with its planned start. What the region
   * has claimed and not begun is given back first: a region has one claim at a time.
   */
  claim(region: string, now: Now, spacing: Spacing): Eventually<Claim | undefined>
  /** Gives a claimed job back whose call hasn't begun. */
  release(claim: Claim, nowMs: number): Eventually<void>
  /** The call begins now: from here on its outcome is unknown until it is settled. */
  begin(claim: Claim, now: Now): Eventually<void>
  /**
   * Records what came of the call. When five mails in a row were refused with the same error, their jobs are queued
   * again, and the bounce sender is paused in that region.
   */
  settle(claim: Claim, effect: Effect, now: Settling): Eventually<Settled>
  /** Forgets ended jobs that changed last before that, a bounded number at a time; how many. */
  prune(beforeMs: number): Eventually<number>
  close(): Eventually<void>
}

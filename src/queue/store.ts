// The durable queue's promise, apart from how it is kept.
//
// - What `add` has returned is on disk: no crash of any process, nor of the machine, loses it.
// - `add` is all or nothing: a mail's recipients are written together, or none is.
// - A recipient of an SES mail is taken once, as long as its job is on record.
// - A job is given to one dispatcher, the holder of the lock, and only that one can change it until it
//   is given back. If the holder dies, its successor finds every job that was claimed: one whose call hadn't
//   begun is queued as before, one whose call had begun is tried again (or held), as its outcome is unknown.
// - Calls of a region are spaced by the store's own record of the last start, which outlives the dispatcher.
// - A method that fails throws QueueError, or rejects with it; nothing of that call has happened then.

import type { BounceRequest, Cap } from '../policy/decision'
import type { Forecast } from './forecast'
import type { Job, JobState, Submitted } from './job'
import type { MailLedger } from './mail-ledger'
import type { Pause } from './operator'
import type { RelaySigns } from './relay-signs'

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

/** The answer to a submission with a key; `digest`: of that submission. */
export interface IdempotencyRecord {
  digest: string
  answer: string
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
  /** `answer`: to the results of a submission that is written; it is kept in the same transaction. */
  record?: { key: string; digest: string; answer: (results: readonly Submitted[]) => string }
}

/** What a worker needs. */
export interface WorkerQueue {
  look(question: Question): Eventually<Seen>
  /**
   * Adds the bounces of one mail in one durable transaction: all, or none when a result is `ended`, `overloaded` or
   * `capped`. None and no result: there is an answer for the record's key already.
   */
  add(requests: readonly BounceRequest[], nowMs: number, options?: AddOptions): Eventually<Submitted[]>
  /** Of the mail on disk. */
  readonly mail: Pick<MailLedger, 'reserve' | 'removeUnused'>
  close(): Eventually<void>
}

/** A dispatcher process, so that others can tell whether it is alive. */
export interface LeaseOwner {
  /** Unique for each taking of the lock. */
  token: string
  pid: number
  /** Start time of the process in clock ticks since boot (proc(5), stat field 22); '' where that can't be read. */
  pidStart: string
  /** Inode of the pid namespace: pids of another one (a container) mean nothing here. */
  pidSpace: string
  /** Of this boot of the machine: monotonic times and pids of another one mean nothing. */
  bootId: string
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
  /** Monotonic milliseconds at which the call may start, not earlier. */
  startAtMonoMs: number
}

/** What a call came to, as it changes the job; `held`: its outcome is unknown, and may not be tried for again. */
export type Effect =
  | { state: 'sent'; messageId: string; detail: string }
  | { state: 'held'; detail: string }
  | {
      state: 'failed'
      detail: string
      /** If it isn't the mail's fault, until when the jobs of that region and bounce sender wait, and until when this one. */
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

export interface Settled {
  /** What the job is by now. */
  state: 'sent' | 'failed' | 'held' | 'queued' | 'split'
  changes: StateChange[]
}

/** What the dispatcher needs. Every method but `lock` throws QueueError QUEUE_LOCK_LOST when another holds the lock. */
export interface DispatcherQueue {
  /** Takes the lock if nobody holds it, its holder is dead or gave no sign for `staleMs`. True: it is ours. */
  lock(holder: LeaseOwner, nowMonoMs: number, staleMs: number): boolean
  /** A sign of life. */
  heartbeat(nowMonoMs: number): void
  unlock(): void
  /** Puts in order what a dead holder left: claimed jobs are released, interrupted calls are queued again or held. */
  recover(now: { ms: number; monoMs: number }, limits: { unknownTries: number; interruptions: number }): Job[]
  /** The spacing that forecasts count with, but for some regions. With a long queue a new one takes a while to work in. */
  setSpacing(spacingMs: number, regions?: ReadonlyMap<string, number>): void
  /** As it was given last with a call that was settled; else 1. */
  slowdown(region: string): number
  /** Whether relays seem to rewrite recipients. */
  relaySigns(nowMs: number): RelaySigns
  /** Changes when another process has written. */
  version(): number
  /** What an operator has paused: nothing of it is due, or can be claimed. */
  pauses(): Pause[]
  /** All that a job was ever of. */
  regions(): string[]
  /** Regions that have jobs to send, and when the first of each is due (epoch ms; 0: at once). */
  due(nowMs: number, longestPauseMs: number): { region: string; dueMs: number }[]
  /** Ends queued jobs of a region whose last moment has passed, a bounded number at a time. */
  expire(region: string, nowMs: number, marginMs: number): Job[]
  /** The job with the soonest deadline that is due and not over; durable together with its planned start. */
  claim(region: string, now: { ms: number; monoMs: number }, spacing: Spacing): Claim | undefined
  /** Gives a claimed job back whose call hasn't begun. */
  release(claim: Claim, nowMs: number): void
  /** The call begins now: from here on its outcome is unknown until it is settled. */
  begin(claim: Claim, now: { ms: number; monoMs: number }): void
  /**
   * Records what came of the call, and when SES may have seen it at the latest. When five mails in a row were refused
   * with the same error, their jobs are queued again, and the bounce sender is paused in that region. `slowdown`: how
   * many times as long the interval is from now on as it was set, for successors and views.
   */
  settle(claim: Claim, effect: Effect, now: { ms: number; seenMonoMs: number; slowdown?: number }): Settled
  /** Forgets ended jobs that changed last before that, a bounded number at a time; how many. */
  prune(beforeMs: number): number
  close(): void
}

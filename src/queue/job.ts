// A job is one SendBounce call. These are the queue's data about it.

import type { BounceRequest } from '../policy/decision'
import type { EpochMs } from '../units'

export const JOB_STATES = ['queued', 'sending', 'sent', 'failed', 'expired', 'held', 'cancelled'] as const
export type JobState = (typeof JOB_STATES)[number]

/** A recipient whose job ended without a bounce; the relay that delivers it again gets the `ended` fallback. */
export type EndedState = Extract<JobState, 'failed' | 'expired' | 'cancelled'>

export function hasEnded(state: JobState): state is EndedState {
  return state === 'failed' || state === 'expired' || state === 'cancelled'
}

/** `failed`, `expired`, `been cancelled`: to follow "has". */
export function endedText(state: JobState): string {
  return state === 'cancelled' ? 'been cancelled' : state
}

export type JobRecipient = BounceRequest['recipient'] & {
  rule: string
  addedAtMs: EpochMs
  /** The name of the raw mail's file, without its ending. */
  kept?: string
}

export interface Job {
  id: string
  state: JobState
  region: string
  sesId: string
  /** Sender of record, which gets the bounce. */
  sender: string
  bounceSender: string
  bounceSenderArn?: string
  /** `dns; name` */
  reportingMta: string
  explanation?: string
  receivedAtMs: EpochMs
  deadlineMs: EpochMs
  createdAtMs: EpochMs
  changedAtMs: EpochMs
  /** No attempt before this time. 0: at once. */
  notBeforeMs: EpochMs
  /** Calls that were made, with any outcome. */
  tries: number
  /** Calls of these with an unknown outcome. */
  unknownTries: number
  /** Dispatchers that died during a call for this job. */
  interruptions: number
  /** The reason for its state, in SES's words or ours. */
  reason?: string
  /** SES's MessageId of the bounce. */
  messageId?: string
  recipients: JobRecipient[]
}

/** The fields of a job's row. */
export type JobFacts = Omit<Job, 'recipients'>

/** Such a job has that one recipient. */
export function hasUnconfirmed({ recipients }: Pick<Job, 'recipients'>): boolean {
  return recipients.some(({ isUnconfirmed }) => isUnconfirmed)
}

/** A line of a job's history. */
export interface JobEvent {
  atMs: EpochMs
  what:
    | 'queued'
    | 'recipient added'
    | 'claimed'
    | 'released'
    | 'interrupted'
    | 'split'
    | 'put back'
    | 'throttled'
    | 'retry'
    | 'unknown outcome'
    | 'sent'
    | 'failed'
    | 'expired'
    | 'held'
    | 'by hand'
  detail: string
}

export interface SubmittedJob {
  jobId: string
  state: JobState
  /** The time when the job was made. */
  createdAtMs: EpochMs
}

/** The result of the request for one recipient. Without a job nothing was written, as in a dry run. */
export type Submitted = { address: string } & Partial<SubmittedJob> &
  /** It has a new call. `joined`: it shares a call that waits, or one of its own mail. */
  (
    | { outcome: 'added' | 'joined' }
    /** It was submitted before, and its bounce is made or waits. `rule`: the rule at that time. */
    | { outcome: 'known'; rule: string }
    | Refused
  )

/** Nothing of the mail is written. */
export type Refused =
  /** Its job ended without a bounce. `kept`: the name under which the mail was kept for it. */
  | { outcome: 'ended'; jobId: string; state: EndedState; kept?: string }
  /** It, or another job, could not start in time. `capped`: a cap is reached. */
  | { outcome: 'overloaded' | 'capped'; detail: string }

export function isRefused(result: Submitted): result is Extract<Submitted, Refused> {
  return result.outcome === 'ended' || result.outcome === 'overloaded' || result.outcome === 'capped'
}

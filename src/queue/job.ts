// One job is one SendBounce call: what the queue keeps of it, as plain data.

import type { BounceRequest } from '../policy/decision'

export const JOB_STATES = ['queued', 'sending', 'sent', 'failed', 'expired', 'held', 'cancelled'] as const
export type JobState = (typeof JOB_STATES)[number]

/** A recipient whose job ended without a bounce; the relay that delivers it again gets the `ended` fallback. */
export type EndedState = Extract<JobState, 'failed' | 'expired' | 'cancelled'>

export function hasEnded(state: JobState): state is EndedState {
  return state === 'failed' || state === 'expired' || state === 'cancelled'
}

export type JobRecipient = BounceRequest['recipient'] & {
  rule: string
  addedAtMs: number
  /** Of the raw mail's file, without its ending. */
  kept?: string
}

export interface Job {
  id: string
  state: JobState
  region: string
  sesId: string
  /** Sender of record: who gets the bounce. */
  sender: string
  bounceSender: string
  bounceSenderArn?: string
  /** `dns; name` */
  reportingMta: string
  explanation?: string
  receivedAtMs: number
  deadlineMs: number
  createdAtMs: number
  changedAtMs: number
  /** No try before this; 0: at once. */
  notBeforeMs: number
  /** Calls that were made, whatever came of them. */
  tries: number
  /** Of these, calls that may or may not have been carried out. */
  unknownTries: number
  /** Dispatchers that died while a call for this job was on its way. */
  interruptions: number
  /** Why it is in its state, in SES's words or ours. */
  reason?: string
  /** SES's MessageId of the bounce. */
  messageId?: string
  recipients: JobRecipient[]
}

/** Such a job has that one recipient. */
export function hasUnconfirmed({ recipients }: Pick<Job, 'recipients'>): boolean {
  return recipients.some(({ isUnconfirmed }) => isUnconfirmed)
}

/** A line of a job's history. */
export interface JobEvent {
  atMs: number
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

/** What became of one recipient that a worker gave to the queue. */
export interface Added {
  address: string
  jobId: string
  /** `joined`: shares the call of a job that waits already; `known`: was taken before, nothing was added. */
  outcome: 'added' | 'joined' | 'known'
  state: JobState
}

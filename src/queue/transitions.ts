// The transitions between the states of a job for each actor, with the text of each step in the job's history. Pure.
// An engine reads a job, calls a function here, and writes the change. It has no rules or texts of its own.

import type { EpochMs } from '../units'
import type { JobEvent, JobFacts, JobState } from './job'

export type Actor = 'dispatcher' | 'operator'

/** For each state, the states that it may follow. A job begins as `queued`. */
export const MAY_FOLLOW: Readonly<Record<Actor, Partial<Record<JobState, readonly JobState[]>>>> = {
  dispatcher: {
    sending: ['queued'],
    // from failed: put back, as other mails were refused with the same error
    queued: ['sending', 'failed'],
    sent: ['sending'],
    failed: ['sending'],
    held: ['sending'],
    expired: ['queued'],
  },
  // a job in progress is never changed by hand
  operator: {
    queued: ['held', 'failed', 'expired', 'cancelled'],
    held: ['queued'],
    cancelled: ['queued', 'held'],
  },
}

/** The changed fields of a job, and the lines for its history. Undefined fields don't change. */
export interface Change {
  state: JobState
  reason?: string
  notBeforeMs?: EpochMs
  messageId?: string
  tries?: number
  unknownTries?: number
  interruptions?: number
  /** No recipient joins it any more. */
  isAlone?: true
  events: readonly Pick<JobEvent, 'what' | 'detail'>[]
}

type Details = Omit<Change, 'state' | 'events'>

/** @throws Error for a transition that isn't allowed, which would be a fault of this program */
export function change(
  actor: Actor,
  from: JobState,
  to: JobState,
  details: Details,
  ...events: Change['events']
): Change {
  if (!MAY_FOLLOW[actor][to]?.includes(from)) throw new Error(`the ${actor} can't make a ${from} job ${to}`)
  return { ...details, state: to, events }
}

/** `waitMs`: from now to the planned start of its call. */
export function claimed({ state }: Pick<JobFacts, 'state'>, waitMs: number): Change {
  const detail = `the call starts in ${Math.round(waitMs)} ms`
  return change('dispatcher', state, 'sending', {}, { what: 'claimed', detail })
}

/** Undoes a claim whose call hasn't begun. */
export function released(
  { state }: Pick<JobFacts, 'state'>,
  detail = 'the dispatcher stopped before the call',
): Change {
  return change('dispatcher', state, 'queued', {}, { what: 'released', detail })
}

export function expired({ state, tries, reason }: Pick<JobFacts, 'state' | 'tries' | 'reason'>): Change {
  const last = tries > 0 ? `; attempts: ${tries}, the last: ${reason ?? ''}` : ''
  const detail = `The deadline passed before it could be sent${last}`
  return change('dispatcher', state, 'expired', { reason: detail }, { what: 'expired', detail })
}

export interface InterruptionLimits {
  /** Calls of unknown outcome after which a job is held. */
  unknownTries: number
  /** Dispatchers that died during its calls, after which a job is held, as it may be the cause. */
  interruptions: number
}

/** `marginMs`: no call starts later than this before its deadline. */
export interface InterruptionPause {
  pauseMs: number
  marginMs: number
}

/** When an interrupted call is tried again: after the pause, or after half of the time that is left, if that is sooner. */
export function interruptedUntilMs(
  deadlineMs: EpochMs,
  nowMs: EpochMs,
  { pauseMs, marginMs }: InterruptionPause,
): EpochMs {
  const leftMs = Math.max(0, deadlineMs - marginMs - nowMs)
  return Math.round(nowMs + Math.min(pauseMs, leftMs / 2))
}

/** Recovers a job that an ended dispatcher left as `sending`. `hasBegun`: its call may have been made. */
export function leftBehind(
  job: Pick<JobFacts, 'state' | 'tries' | 'interruptions'>,
  hasBegun: boolean,
  limits: InterruptionLimits,
): Change {
  if (!hasBegun) return released(job, 'the dispatcher ended before the call')
  const interruptions = job.interruptions + 1
  const tries = job.tries + 1
  const interrupted = {
    what: 'interrupted' as const,
    detail: 'the dispatcher ended during the call; SES may have made the bounce',
  }
  if (limits.unknownTries <= 1 || interruptions >= limits.interruptions) {
    const { detail } = interrupted
    const details = { reason: detail, tries, interruptions }
    return change('dispatcher', job.state, 'held', details, interrupted, { what: 'held', detail })
  }
  const detail = 'it is tried again after the interruption'
  const details = { reason: detail, tries, interruptions }
  return change('dispatcher', job.state, 'queued', details, interrupted, { what: 'retry', detail })
}

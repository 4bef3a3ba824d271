// Decides from the outcome of a call whether its job has ended or is tried again, and when. Pure.

import type { Settings } from '../config/settings'
import type { EpochMs } from '../units'
import type { Job } from './job'
import type { Effect } from './store'

export type Outcome =
  | { kind: 'sent'; messageId: string }
  /** SES: one call a second; other callers of the account count too. */
  | { kind: 'throttled'; detail: string }
  /**
   * SES didn't carry it out: 5xx, or SES wasn't reached. `laneWaitMs`: it wasn't about this job, as the lane had no
   * credentials: the whole lane waits so long, and the job no longer.
   */
  | { kind: 'temporary'; detail: string; laneWaitMs?: number }
  /** It may have been carried out. */
  | { kind: 'unknown'; detail: string }
  /** A lasting reason other than the mail: credentials, permission, identity, quota, suspension. */
  | { kind: 'blocked'; scope: 'sender' | 'region'; detail: string }
  /** SES refuses this bounce. */
  | { kind: 'refused'; detail: string }

/** More frequent attempts are useless before the cause is fixed. */
export const BLOCKED_PAUSE_MS = 60_000

/** While a sender is paused by refusals, so many other jobs are tried before a refused one. */
const TURNS = 10

/** The longest pause of any job. */
export function longestPauseMs({ queue }: Pick<Settings, 'queue'>): number {
  return Math.max(queue.retryLongestMs, BLOCKED_PAUSE_MS * TURNS)
}

type RetrySettings = Pick<Settings['queue'], 'retryFirstMs' | 'retryLongestMs' | 'unknownTries'>

export function effectOf(
  outcome: Outcome,
  job: Job,
  settings: RetrySettings,
  nowMs: EpochMs,
  blockedPauseMs = BLOCKED_PAUSE_MS,
): Effect {
  switch (outcome.kind) {
    case 'sent':
      return {
        state: 'sent',
        messageId: outcome.messageId,
        detail: `SES made the bounce ${outcome.messageId}`,
      }
    case 'throttled':
      return { state: 'queued', what: 'throttled', notBeforeMs: 0, detail: outcome.detail }
    case 'temporary':
      return {
        state: 'queued',
        what: 'retry',
        notBeforeMs: nowMs + (outcome.laneWaitMs ?? retryPauseMs(job.tries, settings)),
        detail: outcome.detail,
      }
    case 'blocked':
      return {
        state: 'queued',
        what: 'retry',
        notBeforeMs: nowMs + blockedPauseMs,
        detail: outcome.detail,
        blocks: outcome.scope,
      }
    case 'refused':
      return {
        state: 'failed',
        detail: outcome.detail,
        pauses: {
          untilMs: nowMs + blockedPauseMs,
          ownUntilMs: nowMs + blockedPauseMs * TURNS,
        },
      }
    case 'unknown': {
      if (job.unknownTries + 1 >= settings.unknownTries) {
        return {
          state: 'held',
          detail: `the outcome of ${job.unknownTries + 1} calls is unknown, the last: ${outcome.detail}`,
        }
      }
      const notBeforeMs = nowMs + retryPauseMs(job.tries, settings)
      return { state: 'queued', what: 'unknown outcome', notBeforeMs, detail: outcome.detail }
    }
  }
}

/** Doubles with each earlier attempt. */
export function retryPauseMs(
  tries: number,
  settings: { retryFirstMs: number; retryLongestMs: number },
): number {
  return Math.min(settings.retryFirstMs * 2 ** Math.min(tries, 30), settings.retryLongestMs)
}

// Forecasts whether a job, and all jobs after it, would start in time, with one call each spacing, soonest deadline
// first. Deadlines count as whole seconds, so a job is refused up to a second too early, and never too late. Pure.

import type { EpochMs, MonoMs } from '../units'
import type { Ahead } from './store'

/** SES's time of receipt is in whole seconds, and so are the deadlines. */
export const SLOT_MS = 1000

/** The forecast's assumptions. Retries and throttling take longer, so a job may still expire. */
export interface Forecast {
  /** This process's monotonic clock. */
  nowMonoMs: MonoMs
  /** The time from the start of a call to the next one's. */
  spacingMs: number
  /** No call starts later than this before its deadline. */
  marginMs: number
}

/** The time of a call beyond its spacing, so that admitted jobs don't expire. */
const CALL_TAKES_MS = 30

export function forecastSpacingMs({ intervalMs, slackMs }: { intervalMs: number; slackMs: number }): number {
  return intervalMs + slackMs + CALL_TAKES_MS
}

export type Lateness =
  /** It could not start in time itself. */
  | 'itself'
  /** A job with a later deadline could not any more. */
  | 'another'

export function slotOf(deadlineMs: EpochMs): number {
  return Math.floor(deadlineMs / SLOT_MS) * SLOT_MS
}

/** `more`: jobs with the same deadline that go before it and aren't in the queue yet. Undefined: all are in time. */
export function latenessOf(
  { jobs, sinceLastStartMs, laterMs, spacingMs: foundMs }: Ahead,
  deadlineMs: EpochMs,
  nowMs: EpochMs,
  { spacingMs: leastMs, marginMs }: Omit<Forecast, 'nowMonoMs'>,
  more = 0,
): Lateness | undefined {
  const spacingMs = Math.max(leastMs, foundMs)
  const firstMs = nowMs + Math.max(0, spacingMs - sinceLastStartMs) + marginMs
  if (firstMs + (jobs + more) * spacingMs > slotOf(deadlineMs)) return 'itself'
  return firstMs + (more + 1) * spacingMs > laterMs ? 'another' : undefined
}

// Changes by an operator: which are allowed, and the reasons against the others. Pure.

import type { EpochMs } from '../units'
import type { AuditDraft } from './audit'
import type { DeadlineHistogram } from './deadline-histogram'
import { latenessOf } from './forecast'
import type { JobFacts, JobState } from './job'
import type { ByHand, JobAction, JobChange, Pace } from './operator'
import { type Change, change, MAY_FOLLOW } from './transitions'

type Refusal = Extract<ByHand, { fault: string }>
type By = Pick<AuditDraft, 'who' | 'reason'>

/** The queued jobs of a region. `spacingMs`: the time for each job there. */
export interface WaitingJobs {
  histogram: DeadlineHistogram
  spacingMs: number
}

/** The state that an action leads to. */
export const LEADS_TO: Readonly<Record<JobAction, JobState>> = {
  retry: 'queued',
  cancel: 'cancelled',
  hold: 'held',
}

const REASONS: Readonly<Record<JobAction, string>> = {
  retry: 'it was queued again by hand',
  cancel: 'it was cancelled by hand',
  hold: 'it was held by hand',
}

/** The states from which an action is possible. */
export function statesFor(action: JobAction): readonly JobState[] {
  return MAY_FOLLOW.operator[LEADS_TO[action]] ?? []
}

/**
 * Decides about each of the jobs, in their order: those that are queued again count before the next ones. `waitingIn`: asked
 * for the regions of a retry; its histogram is as before when this returns. A job that is undefined isn't there.
 */
export function decideAll(
  jobs: readonly (JobFacts | undefined)[],
  { action, nowMs, pace, audit }: JobChange,
  waitingIn: (region: string) => WaitingJobs,
): (Change | Refusal)[] {
  const added: { histogram: DeadlineHistogram; deadlineMs: EpochMs }[] = []
  try {
    return jobs.map(job => {
      const decided = byHand(job, action, audit)
      if (action !== 'retry' || job === undefined || !('events' in decided)) return decided
      const waiting = waitingIn(job.region)
      const late = lateFor(job, waiting, nowMs, pace)
      if (late !== undefined) return { fault: late }
      waiting.histogram.add(job.deadlineMs)
      added.push({ histogram: waiting.histogram, deadlineMs: job.deadlineMs })
      return decided
    })
  } finally {
    for (const { histogram, deadlineMs } of added) histogram.remove(deadlineMs)
  }
}

function byHand(job: JobFacts | undefined, action: JobAction, by: By | undefined): Change | Refusal {
  if (job === undefined) return { fault: 'there is no such job' }
  const to = LEADS_TO[action]
  const { state: from, reason: before = '' } = job
  const mayFollow = statesFor(action)
  if (!mayFollow.includes(from)) return { fault: notFrom(from, to, mayFollow) }
  const why = by?.reason === undefined ? '' : `: ${by.reason}`
  const who = by === undefined ? '' : ` by ${by.who}`
  const detail = `${from} -> ${to}${who}${why}${before === '' ? '' : `; before: ${before}`}`
  // earlier calls don't count, as an operator wants it
  const details = action === 'retry' ? { notBeforeMs: 0, unknownTries: 0, interruptions: 0 } : {}
  const reason = `${REASONS[action]}${why}`
  return change('operator', from, to, { ...details, reason }, { what: 'by hand', detail })
}

function notFrom(state: JobState, to: JobState, mayFollow: readonly JobState[]): string {
  if (state === to) return `it is ${state} already`
  if (state === 'sending') return 'it is being sent; its call may be on its way'
  return `it is ${state}; only what is ${mayFollow.join(' or ')} can become ${to}`
}

/** The last moment to send a job. */
export function lastMomentMs({ deadlineMs }: Pick<JobFacts, 'deadlineMs'>, { marginMs }: Pace): EpochMs {
  return deadlineMs - marginMs
}

/** Checks as for a new bounce that neither this job nor another one would be late. */
function lateFor(
  job: JobFacts,
  { histogram, spacingMs }: WaitingJobs,
  nowMs: EpochMs,
  pace: Pace,
): string | undefined {
  const { deadlineMs } = job
  const { forecastMs, marginMs } = pace
  const lastMs = lastMomentMs(job, pace)
  if (lastMs < nowMs) return `its window has ended: the last moment to send it was ${iso(lastMs)}`
  const ahead = {
    ...histogram.ahead(deadlineMs, spacingMs),
    spacingMs,
    sinceLastStartMs: Number.POSITIVE_INFINITY,
  }
  const late = latenessOf(ahead, deadlineMs, nowMs, { spacingMs: forecastMs, marginMs })
  if (late === undefined) return undefined
  if (late === 'another') return 'a bounce with a later deadline could not start in time any more'
  const startMs = nowMs + ahead.jobs * Math.max(forecastMs, spacingMs)
  return `it can't start in time: ${ahead.jobs} go before it, until ${iso(startMs)}, and the last moment to send it is ${iso(lastMs)}`
}

/** The line in the history of a job that is tried now. */
export function flushedText(notBeforeMs: EpochMs, by: By | undefined): string {
  return `${flushedPrefix(by)}${iso(notBeforeMs)}`
}

/** The line up to the time of the next attempt, with which it ends. */
export function flushedPrefix(by: By | undefined): string {
  const who = by === undefined ? '' : ` by ${by.who}`
  const why = by?.reason === undefined ? '' : `: ${by.reason}`
  return `its next attempt is now${who}${why}; before: not before `
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}

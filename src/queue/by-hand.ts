// Changes by an operator: which are allowed, and the reasons against the others. Pure.

import type { EpochMs } from '../units'
import { latenessOf } from './forecast'
import type { JobFacts, JobState } from './job'
import type { ByHand, Pace } from './operator'
import type { Ahead } from './store'
import { type Change, change, MAY_FOLLOW } from './transitions'

type Facts = Pick<JobFacts, 'state' | 'reason' | 'deadlineMs'>

/** The jobs before a retry. Earlier calls don't count, as an operator wants it. */
export type Waiting = Omit<Ahead, 'sinceLastStartMs'>

/** Undefined: there is no such job. */
export function retry(
  job: JobFacts | undefined,
  waiting: (job: JobFacts) => Waiting,
  nowMs: EpochMs,
  pace: Pace,
): Change | Refusal {
  const details = { notBeforeMs: 0, unknownTries: 0, interruptions: 0 }
  const wanted = byHand(job, 'queued', 'it was queued again by hand', details)
  const late = job && 'events' in wanted ? lateFor(job, waiting(job), nowMs, pace) : undefined
  return late === undefined ? wanted : { fault: late }
}

export function cancel(job: Facts | undefined): Change | Refusal {
  return byHand(job, 'cancelled', 'it was cancelled by hand')
}

export function hold(job: Facts | undefined): Change | Refusal {
  return byHand(job, 'held', 'it was held by hand')
}

type Refusal = Extract<ByHand, { fault: string }>

function byHand(
  job: Facts | undefined,
  to: JobState,
  reason: string,
  details: Omit<Change, 'state' | 'events'> = {},
): Change | Refusal {
  if (job === undefined) return { fault: 'there is no such job' }
  const { state: from, reason: before = '' } = job
  const mayFollow = MAY_FOLLOW.operator[to] ?? []
  if (!mayFollow.includes(from)) return { fault: notFrom(from, to, mayFollow) }
  const detail = `${from} -> ${to}${before === '' ? '' : `; before: ${before}`}`
  return change('operator', from, to, { ...details, reason }, { what: 'by hand', detail })
}

function notFrom(state: JobState, to: JobState, mayFollow: readonly JobState[]): string {
  if (state === to) return `it is ${state} already`
  if (state === 'sending') return 'it is being sent; its call may be on its way'
  return `it is ${state}; only what is ${mayFollow.join(' or ')} can become ${to}`
}

/** Checks as for a new bounce that neither this job nor another one would be late. */
function lateFor(
  { deadlineMs }: Facts,
  waiting: Waiting,
  nowMs: EpochMs,
  { forecastMs, marginMs }: Pace,
): string | undefined {
  const lastMs = deadlineMs - marginMs
  if (lastMs < nowMs) return `its window has ended: the last moment to send it was ${iso(lastMs)}`
  const ahead = { ...waiting, sinceLastStartMs: Number.POSITIVE_INFINITY }
  const late = latenessOf(ahead, deadlineMs, nowMs, { spacingMs: forecastMs, marginMs })
  if (late === undefined) return undefined
  if (late === 'another') return 'a bounce with a later deadline could not start in time any more'
  const startMs = nowMs + waiting.jobs * Math.max(forecastMs, waiting.spacingMs)
  return `it can't start in time: ${waiting.jobs} go before it, until ${iso(startMs)}, and the last moment to send it is ${iso(lastMs)}`
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}

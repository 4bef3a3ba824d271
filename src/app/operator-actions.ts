// Changes to the queue by hand. The status page, the API and the command line share them.
// Each change is on disk, with its entry in the audit, when its function returns; the log tells of it, and the dispatcher is
// woken where it has work.

import { performance } from 'node:perf_hooks'
import type { Settings } from '../config/settings'
import { type Actor, type AuditAction, type AuditDraft, auditDraft } from '../queue/audit'
import { forecastSpacingMs } from '../queue/forecast'
import {
  type ByHand,
  type Flushed,
  type JobAction,
  MOST_CHANGED,
  type OperatorQueue,
  type Pace,
} from '../queue/operator'
import type { EpochMs, MonoMs } from '../units'

export interface OperatorContext {
  queue: OperatorQueue
  pace: Pace
  now: { ms: EpochMs; monoMs: MonoMs }
  /** The person, as the audit names them. */
  actor: Actor
  /** The person's reason, in their own words. */
  reason?: string
  /** Notes the action for the log. */
  note: (values: Record<string, string>) => void
  /** Wakes the dispatcher; without this it looks at the queue by itself, within a second. */
  wake: () => void
}

export function draftOf(
  { actor, reason, now }: OperatorContext,
  action: AuditAction,
  target: string,
): AuditDraft {
  return auditDraft(actor, action, { target, atMs: now.ms, ...(reason !== undefined && { reason }) })
}

export async function changeJob(context: OperatorContext, action: JobAction, id: string): Promise<ByHand> {
  const { queue, pace, now, note, wake } = context
  const audit = draftOf(context, action, `job ${id}`)
  const [done] = await queue.change([id], { action, nowMs: now.ms, pace, audit })
  if (done === undefined) throw new Error('the queue gave no result')
  if ('fault' in done) return done
  const { from, to } = done.value
  note({ job: id, state: to, was: from, by: audit.who })
  if (to === 'queued') wake()
  return done
}

/** The queue between two transactions of a change of many jobs. */
export interface Batches {
  nowMs: () => EpochMs
  sleep: (ms: number) => Promise<void>
  /** Called after each transaction; `ids` are those that it was for. */
  done: (ids: readonly string[], results: readonly ByHand[]) => void
}

/** Others may write for twice as long as each transaction took, and some milliseconds at least. */
const REST = 2
const LEAST_REST_MS = 5

/**
 * Changes any number of jobs in bounded transactions, with one entry in the audit. Others get their turn in between.
 * Changed jobs stay changed if a later transaction fails. `target`: for the audit.
 */
export async function changeJobs(
  context: OperatorContext,
  { action, ids, target }: { action: JobAction; ids: readonly string[]; target: string },
  { nowMs, sleep, done }: Batches,
): Promise<void> {
  const { queue, pace, wake } = context
  const audit = draftOf(context, action, target)
  for (let from = 0; from < ids.length; from += MOST_CHANGED) {
    const some = ids.slice(from, from + MOST_CHANGED)
    const startMs = performance.now()
    const results = await queue.change(some, { action, nowMs: nowMs(), pace, audit })
    done(some, results)
    if (from + MOST_CHANGED < ids.length)
      await sleep(Math.max(LEAST_REST_MS, (performance.now() - startMs) * REST))
  }
  if (action === 'retry') wake()
}

/**
 * `region` undefined: every region. Jobs that wait for their next attempt are tried now. `most`: transactions; with
 * `isDone` false there are more such jobs.
 */
export async function flushQueue(
  context: OperatorContext,
  region: string | undefined,
  { nowMs, sleep, most = Number.POSITIVE_INFINITY }: Pick<Batches, 'nowMs' | 'sleep'> & { most?: number },
): Promise<Flushed> {
  const { queue, note, wake } = context
  const audit = draftOf(context, 'flush', region ?? EVERY_REGION)
  const sum = { jobs: 0, lifted: 0, isDone: false }
  for (let done = 0; done < most && !sum.isDone; done++) {
    const startMs = performance.now()
    const { jobs, lifted, isDone } = await queue.flush(region, nowMs(), audit)
    sum.jobs += jobs
    sum.lifted += lifted
    sum.isDone = isDone
    if (!isDone) await sleep(Math.max(LEAST_REST_MS, (performance.now() - startMs) * REST))
  }
  if (sum.jobs + sum.lifted > 0) {
    note({ flushed: region ?? EVERY_REGION, jobs: String(sum.jobs), by: audit.who })
    wake()
  }
  return sum
}

/** `region` undefined: every region. False: it was paused already. */
export async function pauseSending(context: OperatorContext, region: string | undefined): Promise<boolean> {
  const { queue, now, reason, note, wake } = context
  const audit = draftOf(context, 'pause', region ?? EVERY_REGION)
  const isNew = await queue.pause(region, now.ms, audit)
  if (isNew) note({ paused: region ?? EVERY_REGION, by: audit.who, ...(reason !== undefined && { reason }) })
  if (isNew) wake()
  return isNew
}

/** `region` undefined: all that is paused. False: nothing of it was. */
export async function resumeSending(context: OperatorContext, region: string | undefined): Promise<boolean> {
  const { queue, note, wake } = context
  const audit = draftOf(context, 'resume', region ?? EVERY_REGION)
  const wasPaused = await queue.resume(region, audit)
  if (wasPaused) note({ resumed: region ?? EVERY_REGION, by: audit.who })
  if (wasPaused) wake()
  return wasPaused
}

export const EVERY_REGION = 'every region'

/** Whether a job has ever been there. */
export async function isKnownRegion({ queue }: OperatorContext, region: string): Promise<boolean> {
  return (await queue.regions()).includes(region)
}

export function paceOf({ limit, window }: Pick<Settings, 'limit' | 'window'>): Pace {
  return {
    spacingMs: limit.intervalMs + limit.slackMs,
    forecastMs: forecastSpacingMs(limit),
    marginMs: window.marginMs,
  }
}

// Changes to the queue by hand. The status page, the API and the command line share them.
// Each change is on disk when its function returns; the log tells of it, and the dispatcher is woken where it has work.

import type { Settings } from '../config/settings'
import { forecastSpacingMs } from '../queue/forecast'
import type { ByHand, JobAction, OperatorQueue, Pace } from '../queue/operator'
import type { EpochMs, MonoMs } from '../units'

export interface OperatorContext {
  queue: OperatorQueue
  pace: Pace
  now: { ms: EpochMs; monoMs: MonoMs }
  /** For the log. */
  note: (values: Record<string, string>) => void
  /** Wakes the dispatcher; without this it looks at the queue by itself, within a second. */
  wake: () => void
}

export async function changeJob(context: OperatorContext, action: JobAction, id: string): Promise<ByHand> {
  const { queue, pace, now, note, wake } = context
  const done = await queue[action](id, now.ms, pace)
  if ('fault' in done) return done
  const { from, to } = done.value
  note({ job: id, state: to, was: from })
  if (to === 'queued') wake()
  return done
}

/** `region` undefined: every region. False: it was paused already. */
export async function pauseSending(
  { queue, now, note, wake }: OperatorContext,
  region: string | undefined,
): Promise<boolean> {
  const isNew = await queue.pause(region, now.ms)
  if (isNew) note({ paused: region ?? EVERY_REGION })
  if (isNew) wake()
  return isNew
}

/** `region` undefined: all that is paused. False: nothing of it was. */
export async function resumeSending(
  { queue, note, wake }: OperatorContext,
  region: string | undefined,
): Promise<boolean> {
  const wasPaused = await queue.resume(region)
  if (wasPaused) note({ resumed: region ?? EVERY_REGION })
  if (wasPaused) wake()
  return wasPaused
}

export const EVERY_REGION = 'every region'

/** Whether a job has ever been there. */
export async function isKnownRegion({ queue, now, pace }: OperatorContext, region: string): Promise<boolean> {
  return (await queue.stats(now, pace)).regions.some(one => one.region === region)
}

export function paceOf({ limit, window }: Pick<Settings, 'limit' | 'window'>): Pace {
  return {
    spacingMs: limit.intervalMs + limit.slackMs,
    forecastMs: forecastSpacingMs(limit),
    marginMs: window.marginMs,
  }
}

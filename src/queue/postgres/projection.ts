// When the queued jobs of a region will have been sent, from their deadlines by blocks of time: the deadlines themselves
// are asked for only from the first block on of which some jobs may be in time and others not.

import type { EpochMs } from '../../units'
import type { Pace } from '../operator'
import { type Projection, project } from '../stats'

export type DeadlineBlock = [number: number, jobs: number, firstMs: EpochMs, lastMs: EpochMs]

/** `deadlinesFrom`: those of the region from that time on, soonest first. */
export async function projectionOf(
  blocks: readonly DeadlineBlock[],
  nowMs: EpochMs,
  pace: Pick<Pace, 'spacingMs' | 'marginMs'>,
  deadlinesFrom: (fromMs: EpochMs) => Promise<readonly number[]>,
): Promise<Projection> {
  const { spacingMs, marginMs } = pace
  let started = 0
  let willMiss = 0
  for (const [, jobs, firstMs, lastMs] of blocks) {
    const startMs = nowMs + started * spacingMs
    if (startMs + (jobs - 1) * spacingMs <= firstMs - marginMs) started += jobs
    else if (startMs > lastMs - marginMs) willMiss += jobs
    else {
      const deadlines = await deadlinesFrom(firstMs)
      const rest = project(deadlines, startMs, pace)
      return { drainMs: started * spacingMs + rest.drainMs, willMiss: willMiss + rest.willMiss }
    }
  }
  return { drainMs: started * spacingMs, willMiss }
}

// The time when the queued jobs of a region will have been sent, from their deadlines by blocks of time: the deadlines
// themselves are read only in blocks that may have some jobs in time and others not.

import type { EpochMs } from '../../units'
import type { Pace } from '../operator'
import { without } from '../outlook'
import { type Projection, project } from '../stats'

/** The jobs with deadlines within BLOCK_MS from that time on. */
export type DeadlineBlock = [fromMs: EpochMs, jobs: number]

/** The span of a block of level 2 of the tree in steps/003-waiting-slots.sql. */
const BLOCK_MS = 256_000
/** The blocks of each further question, as a multiple of those of the last: a day of them takes five questions at most. */
const GROWTH = 4

/**
 * `lost`: deadlines of jobs that don't count. `deadlinesIn`: the region's deadlines from one time on and before another.
 * Both are soonest first.
 */
export async function projectionOf(
  all: readonly DeadlineBlock[],
  nowMs: EpochMs,
  pace: Pick<Pace, 'spacingMs' | 'marginMs'>,
  lost: readonly EpochMs[],
  deadlinesIn: (fromMs: EpochMs, untilMs: EpochMs) => Promise<readonly number[]>,
): Promise<Projection> {
  const { spacingMs, marginMs } = pace
  const blocks = all.map(
    ([fromMs, jobs]): DeadlineBlock => [
      fromMs,
      jobs - lost.filter(ms => ms >= fromMs && ms < fromMs + BLOCK_MS).length,
    ],
  )
  let started = 0
  let willMiss = 0
  let atOnce = 1
  for (let index = 0; index < blocks.length; index++) {
    const [fromMs, jobs] = blocks[index] ?? [0, 0]
    const startMs = nowMs + started * spacingMs
    if (startMs + (jobs - 1) * spacingMs <= fromMs - marginMs) started += jobs
    else if (startMs > fromMs + BLOCK_MS - marginMs) willMiss += jobs
    else {
      index = Math.min(index + atOnce, blocks.length) - 1
      atOnce *= GROWTH
      const [lastMs] = blocks[index] ?? [fromMs]
      const deadlines = without(await deadlinesIn(fromMs, lastMs + BLOCK_MS), lost)
      const found = project(deadlines, startMs, pace)
      started += deadlines.length - found.willMiss
      willMiss += found.willMiss
    }
  }
  return { drainMs: started * spacingMs, willMiss }
}

// The deadlines of the jobs that wait in one region, in memory: questions of the forecast and the charts take
// microseconds however long the queue is. Exact. Pure state; the engine keeps it in step with its records.

import type { EpochMs } from '../units'
import { SLOT_MS, slotOf } from './forecast'
import type { Pace } from './operator'
import { without } from './outlook'
import { type DeadlineBucket, type Projection, project } from './stats'
import type { Ahead } from './store'

/** 900 jobs at SES's pace: a change costs going over one block, a question going over a block and their list. */
const BLOCK_MS = 900 * SLOT_MS

interface Block {
  number: number
  /** Soonest first. */
  deadlines: number[]
  /** The cached result of `leastOf`. Undefined: jobs were added or removed since then. */
  least?: { spacingMs: number; ms: number }
}

export class DeadlineHistogram {
  /** In the order of their numbers; none is empty. */
  #blocks: Block[] = []

  /** @param deadlines soonest first */
  constructor(deadlines: Iterable<number> = []) {
    for (const deadlineMs of deadlines) {
      const number = blockOf(deadlineMs)
      const last = this.#blocks.at(-1)
      if (last?.number === number) last.deadlines.push(deadlineMs)
      else this.#blocks.push({ number, deadlines: [deadlineMs] })
    }
  }

  add(deadlineMs: EpochMs): void {
    const number = blockOf(deadlineMs)
    const at = firstFrom(this.#blocks, block => block.number >= number)
    const found = this.#blocks[at]
    if (found?.number !== number) {
      this.#blocks.splice(at, 0, { number, deadlines: [deadlineMs] })
      return
    }
    const { deadlines } = found
    deadlines.splice(
      firstFrom(deadlines, one => one > deadlineMs),
      0,
      deadlineMs,
    )
    delete found.least
  }

  /** False: there is no job with that deadline. */
  remove(deadlineMs: EpochMs): boolean {
    const number = blockOf(deadlineMs)
    const at = firstFrom(this.#blocks, block => block.number >= number)
    const block = this.#blocks[at]
    if (block === undefined) return false
    const index = firstFrom(block.deadlines, one => one >= deadlineMs)
    if (block.deadlines[index] !== deadlineMs) return false
    block.deadlines.splice(index, 1)
    delete block.least
    if (block.deadlines.length === 0) this.#blocks.splice(at, 1)
    return true
  }

  /** The jobs before a job with that deadline; those of its own second count as before it. */
  ahead(deadlineMs: EpochMs, spacingMs: number): Pick<Ahead, 'jobs' | 'laterMs'> {
    const endMs = slotOf(deadlineMs) + SLOT_MS
    const own = blockOf(deadlineMs)
    let before = 0
    let jobs = 0
    let laterMs = Number.POSITIVE_INFINITY
    for (const block of this.#blocks) {
      if (block.number === own) {
        const first = firstFrom(block.deadlines, one => one >= endMs)
        jobs = before + first
        laterMs = leastOf(block.deadlines, spacingMs, first) - spacingMs * before
      } else if (block.number > own) {
        laterMs = Math.min(laterMs, leastOfBlock(block, spacingMs) - spacingMs * before)
      }
      before += block.deadlines.length
      if (block.number < own) jobs = before
    }
    return { jobs, laterMs }
  }

  /**
   * The same result as `project`. Goes over single jobs only in blocks that may have some in time and others not.
   * `lost`: deadlines of jobs that don't count, soonest first.
   */
  projection(
    nowMs: number,
    pace: Pick<Pace, 'spacingMs' | 'marginMs'>,
    lost: readonly EpochMs[] = [],
  ): Projection {
    const { spacingMs, marginMs } = pace
    let started = 0
    let willMiss = 0
    for (const block of this.#blocks) {
      const deadlines = lost.length === 0 ? block.deadlines : without(block.deadlines, lost)
      const startMs = nowMs + started * spacingMs
      const jobs = deadlines.length
      if (startMs + (jobs - 1) * spacingMs <= (deadlines[0] ?? 0) - marginMs) started += jobs
      else if (startMs > (deadlines[jobs - 1] ?? 0) - marginMs) willMiss += jobs
      else {
        const found = project(deadlines, startMs, pace)
        started += jobs - found.willMiss
        willMiss += found.willMiss
      }
    }
    return { drainMs: started * spacingMs, willMiss }
  }

  /** The waiting jobs by spans of whole blocks, soonest first. */
  buckets(blocks: number): DeadlineBucket[] {
    const spanMs = blocks * BLOCK_MS
    const buckets: DeadlineBucket[] = []
    for (const { number, deadlines } of this.#blocks) {
      const fromMs = Math.floor(number / blocks) * spanMs
      const last = buckets.at(-1)
      if (last?.fromMs === fromMs) last.jobs += deadlines.length
      else buckets.push({ fromMs, spanMs, jobs: deadlines.length })
    }
    return buckets
  }

  /** Soonest first. */
  deadlines(): number[] {
    return this.#blocks.flatMap(({ deadlines }) => deadlines)
  }
}

function leastOfBlock(block: Block, spacingMs: number): number {
  if (block.least?.spacingMs !== spacingMs)
    block.least = { spacingMs, ms: leastOf(block.deadlines, spacingMs, 0) }
  return block.least.ms
}

/** The least of the deadlines in seconds from the index on, less a spacing for each job before. Infinity: there is none. */
function leastOf(deadlines: readonly number[], spacingMs: number, from: number): number {
  let least = Number.POSITIVE_INFINITY
  for (let index = from; index < deadlines.length; index++)
    least = Math.min(least, slotOf(deadlines[index] ?? 0) - spacingMs * index)
  return least
}

function blockOf(deadlineMs: EpochMs): number {
  return Math.floor(deadlineMs / BLOCK_MS)
}

/** The index of the first element for which it is true, by a binary search; it must be true for all after it. */
function firstFrom<T>(list: readonly T[], isFrom: (one: T) => boolean): number {
  let [low, high] = [0, list.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isFrom(list[middle] as T)) high = middle
    else low = middle + 1
  }
  return low
}

// Measures works beside each other: in turns, by the CPU time of the whole process, its threads included, so that
// whatever else the machine does falls on all of them. Rejects when one of them does.

/** Does a thing so many times, and each time with another input. */
export type Work = (times: number) => Promise<void>

export interface Plan {
  /** So many different inputs at the most, before one comes again. */
  inputs: number
  /** Each work is first done so often that the compiler and what remembers earlier texts get to where they stay. */
  warmUpTimes: number
  /** But no longer than this. */
  warmUpMicros: number
  rounds: number
  /** In a round each work is done for about so long. */
  batchMicros: number
}

/** CPU time so far, in microseconds. */
export type Meter = () => number

/** CPU time of doing a thing once, a figure for each round. */
export type Rounds = readonly number[]

export interface Ratio {
  median: number
  least: number
  most: number
}

/**
 * Of this process. What a work leaves for the garbage collector may fall on the next: clearing it away in between, as
 * `gc()` does it, would throw compiled code away too, and make everything that follows several times as dear.
 */
export const PROCESS: Meter = () => {
  const { user, system } = process.cpuUsage()
  return user + system
}

interface Entrant {
  name: string
  work: Work
  times: number
  rounds: number[]
}

export async function measure(
  works: Readonly<Record<string, Work>>,
  plan: Plan,
  meter: Meter,
): Promise<Record<string, Rounds>> {
  const entrants: Entrant[] = []
  for (const [name, work] of Object.entries(works)) {
    entrants.push({ name, work, times: await warmUp(work, plan, meter), rounds: [] })
  }
  // one round for nothing: whoever was warmed up last is the warmest
  for (let round = -1; round < plan.rounds; round++) {
    // there and back again, so that nobody always comes behind the same other one
    for (const { work, times, rounds } of round % 2 === 0 ? entrants : entrants.toReversed()) {
      const micros = await batch(work, times, meter)
      if (round >= 0) rounds.push(micros / times)
    }
  }
  return Object.fromEntries(entrants.map(({ name, rounds }) => [name, rounds]))
}

/** How many times make a batch by then. */
async function warmUp(work: Work, plan: Plan, meter: Meter): Promise<number> {
  let done = 0
  let spentMicros = 0
  for (let times = 1; ; ) {
    const micros = await batch(work, times, meter)
    done += times
    spentMicros += micros
    const isWarm = done >= plan.warmUpTimes && micros >= plan.batchMicros
    if (isWarm || spentMicros >= plan.warmUpMicros) return Math.ceil((times * plan.batchMicros) / micros)
    if (micros < plan.batchMicros) times *= 2
  }
}

async function batch(work: Work, times: number, meter: Meter): Promise<number> {
  const before = meter()
  await work(times)
  // a clock may stand still for so short a time
  return Math.max(1, meter() - before)
}

/** Of what was measured in the same round, so that a slow moment falls on both. */
export function ratioOf(of: Rounds, against: Rounds): Ratio {
  const ratios = of.map((micros, round) => micros / (against[round] ?? Number.NaN))
  return { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const high = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? Number.NaN) + high) / 2
}

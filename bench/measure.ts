// Measures several works in turns by the CPU time of the whole process, its threads included, so that other load on the
// machine affects all of them alike. Rejects if one of them rejects.

/** Does a thing so many times, each time with another input. */
export type Work = (times: number) => Promise<void>

export interface Plan {
  /** The most different inputs before one is repeated. */
  inputs: number
  /** Each work is first done so many times, until compiler and caches have settled. */
  warmUpTimes: number
  /** The time limit of that. */
  warmUpMicros: number
  rounds: number
  /** The duration of each work in a round. */
  batchMicros: number
}

/** CPU time so far, in microseconds. */
export type Meter = () => number

/** CPU time of doing a thing once, for each round. */
export type Rounds = readonly number[]

export interface Ratio {
  median: number
  least: number
  most: number
}

/**
 * CPU time of this process. Garbage of one work may be collected during the next: calling `gc()` in between would also
 * drop compiled code, and make everything after it several times slower.
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
  // one extra round, as the work that was warmed up last would have an advantage
  for (let round = -1; round < plan.rounds; round++) {
    // in alternating order, so that no work always follows the same other one
    for (const { work, times, rounds } of round % 2 === 0 ? entrants : entrants.toReversed()) {
      const micros = await batch(work, times, meter)
      if (round >= 0) rounds.push(micros / times)
    }
  }
  return Object.fromEntries(entrants.map(({ name, rounds }) => [name, rounds]))
}

/** Returns the number of times in a batch. */
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
  // the clock may not advance in so short a time
  return Math.max(1, meter() - before)
}

/** The ratio within each round, so that a slow moment affects both. */
export function ratioOf(of: Rounds, against: Rounds): Ratio {
  const ratios = of.map((micros, round) => micros / (against[round] ?? Number.NaN))
  return { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) }
}

/** ratioOf with the first and the third quartile for `least` and `most`: of many short rounds a few are far off. */
export function quartilesOf(of: Rounds, against: Rounds): Ratio {
  const ratios = of.map((micros, round) => micros / (against[round] ?? Number.NaN)).toSorted((a, b) => a - b)
  const middle = ratios.length >> 1
  return {
    median: median(ratios),
    least: median(ratios.slice(0, Math.max(1, middle))),
    most: median(ratios.slice(Math.min(ratios.length - 1, Math.ceil(ratios.length / 2)))),
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const high = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? Number.NaN) + high) / 2
}

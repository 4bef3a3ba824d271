// The CPU time of work, for tests that hold it to a limit. What else this process and this machine do isn't counted.

import { readFileSync } from 'node:fs'

/** A busy machine, a collection of garbage or cold caches make work cost more now and then, never less. */
const RUNS = 5

/** In milliseconds: the first run that stays below `enoughMs`, else the cheapest of some. */
export function cpuMs(enoughMs: number, work: () => unknown): number {
  let leastMs = Number.POSITIVE_INFINITY
  for (let run = 0; run < RUNS && leastMs >= enoughMs; run++) {
    const beforeMs = threadMs()
    work()
    leastMs = Math.min(leastMs, threadMs() - beforeMs)
  }
  return leastMs
}

/** `cpuMs` for work that answers later. */
export async function cpuMsOf(enoughMs: number, work: () => Promise<unknown>): Promise<number> {
  let leastMs = Number.POSITIVE_INFINITY
  for (let run = 0; run < RUNS && leastMs >= enoughMs; run++) {
    const beforeMs = threadMs()
    await work()
    leastMs = Math.min(leastMs, threadMs() - beforeMs)
  }
  return leastMs
}

/** CPU time of the main thread alone, where the system tells it; else of the process. */
function threadMs(): number {
  try {
    // Kernel documentation, sched-stats: the first figure of schedstat is nanoseconds on the processor
    const [nanoseconds] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ')
    return Number(nanoseconds) / 1e6
  } catch {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  }
}

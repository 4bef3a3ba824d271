// CPU time and memory of a process from /proc. Linux only: throws without /proc, or if the process has ended.

import { readdirSync, readFileSync } from 'node:fs'

/** CPU time of all its running threads, user and system, in microseconds. */
export function cpuMicros(pid: number): number {
  // Documentation/scheduler/sched-stats: nanoseconds come first; /proc/PID/stat has hundredths of a second
  const times = readdirSync(`/proc/${pid}/task`).map(thread => {
    const [nanos = ''] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')
    return Number(nanos) / 1000
  })
  return times.reduce((sum, micros) => sum + micros, 0)
}

/** Its memory with its share of shared memory (PSS), in bytes. */
export function memoryBytes(pid: number): number {
  const [, kb] = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')) ?? []
  if (kb === undefined) throw new Error(`/proc/${pid}/smaps_rollup names no Pss`)
  return Number(kb) * 1024
}

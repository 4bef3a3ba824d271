// What a process has used, as the system counts it. Linux only: throws where /proc isn't there, or the process is gone.

import { readdirSync, readFileSync } from 'node:fs'

/** CPU time of all its threads that live, user and system, in microseconds. */
export function cpuMicros(pid: number): number {
  // Documentation/scheduler/sched-stats: nanoseconds come first; /proc/PID/stat has hundredths of a second
  const times = readdirSync(`/proc/${pid}/task`).map(thread => {
    const [nanos = ''] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')
    return Number(nanos) / 1000
  })
  return times.reduce((sum, micros) => sum + micros, 0)
}

/** Of the memory that it shares with others, its part (PSS); in bytes. */
export function memoryBytes(pid: number): number {
  const [, kb] = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')) ?? []
  if (kb === undefined) throw new Error(`/proc/${pid}/smaps_rollup names no Pss`)
  return Number(kb) * 1024
}

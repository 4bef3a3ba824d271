// What a process has used, as the system counts it. Linux only: throws where /proc isn't there, or the process is gone.

import { readFileSync } from 'node:fs'

/** proc(5): the ticks of /proc/PID/stat are of USER_HZ, 100 on every Linux. */
const TICKS_PER_SECOND = 100

/** CPU time of all its threads, user and system, in microseconds. */
export function cpuMicros(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // pid (comm) state ...; utime and stime are fields 14 and 15; comm may hold blanks and brackets
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields[11]) + Number(fields[12])) * 1e6) / TICKS_PER_SECOND
}

/** Of the memory that it shares with others, its part (PSS); in bytes. */
export function memoryBytes(pid: number): number {
  const [, kb] = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')) ?? []
  if (kb === undefined) throw new Error(`/proc/${pid}/smaps_rollup names no Pss`)
  return Number(kb) * 1024
}

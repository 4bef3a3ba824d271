// The cost of a mail for the Haraka process that reads it: CPU time of its main thread, its longest stretch, and
// memory.
// Linux only: by /proc of the process.

import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { openSession, type SmtpSession } from './smtp'

export interface Cost {
  /** CPU time of the process's main thread. */
  threadMs: number
  /**
   * The most that the thread ran while another connection waited for one answer: the longest stretch without a pause,
   * whatever else the machine does.
   */
  stretchMs: number
  /** Growth of the process at its peak. */
  grownMb: number
}

/** Between two questions of the other connection. */
const PAUSE_MS = 2
/** A thread's last run is accounted for when it next leaves the processor. */
const SETTLE_MS = 20

/** `pid`: of the process that listens on `port`. */
export async function costOf(
  { pid, port }: { pid: number; port: number },
  work: () => Promise<unknown>,
): Promise<Cost> {
  const other = await openSession({ port })
  try {
    await pause(SETTLE_MS)
    const before = { threadMs: threadMs(pid), memoryMb: memoryMb(pid, 'VmRSS') }
    resetPeak(pid)
    const done = new AbortController()
    const asking = longestStretch(pid, other, done.signal)
    try {
      await work()
    } finally {
      done.abort()
    }
    const stretchMs = await asking
    await pause(SETTLE_MS)
    return {
      threadMs: threadMs(pid) - before.threadMs,
      stretchMs,
      grownMb: memoryMb(pid, 'VmHWM') - before.memoryMb,
    }
  } finally {
    other.destroy()
  }
}

/** Asks again and again, until it is told to end. */
async function longestStretch(pid: number, session: SmtpSession, end: AbortSignal): Promise<number> {
  let longestMs = 0
  while (!end.aborted) {
    const start = threadMs(pid)
    await session.command('NOOP')
    longestMs = Math.max(longestMs, threadMs(pid) - start)
    await pause(PAUSE_MS)
  }
  return longestMs
}

/** Kernel documentation, sched-stats: the first figure of schedstat is nanoseconds on the processor. */
function threadMs(pid: number): number {
  const [nanoseconds] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'latin1').split(' ')
  return Number(nanoseconds) / 1e6
}

/** proc(5), status. */
function memoryMb(pid: number, name: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  const [, kilobytes] = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status) ?? []
  return Number(kilobytes) / 1024
}

/** proc(5), clear_refs: 5 sets VmHWM to what is used now. */
function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

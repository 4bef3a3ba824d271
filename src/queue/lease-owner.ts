// The facts by which other processes recognise this one, and whether another one is alive. A fact that can't be read is
// '', and then only the heartbeat tells.

import { randomUUID } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import os from 'node:os'

/** The identity of a dispatcher's process. */
export interface LeaseOwner {
  /** Unique for each connection to the queue. */
  token: string
  pid: number
  /** Start time of the process in clock ticks since boot (proc(5), stat field 22); '' where that can't be read. */
  pidStart: string
  /** Inode of the pid namespace: pids of another one (a container) mean nothing here. */
  pidSpace: string
  /** The id of this boot of the machine: monotonic times and pids of another one mean nothing. */
  bootId: string
}

export function thisProcess(): LeaseOwner {
  return {
    token: randomUUID(),
    pid: process.pid,
    pidStart: startOf(process.pid) ?? '',
    pidSpace: inode('/proc/self/ns/pid'),
    bootId: bootId(),
  }
}

/** Compares the start time too, as the pid may belong to another process by now. */
export function isAlive(pid: number, pidStart: string): boolean {
  if (pidStart !== '') return startOf(pid) === pidStart
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: the process exists, and belongs to another user (kill(2))
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/**
 * Where the system gives no id of the boot: its time to ten seconds, so a clock that is set looks like a boot, which is
 * safe.
 */
export function bootId(): string {
  return (
    read('/proc/sys/kernel/random/boot_id') ??
    `${os.hostname()}-${Math.round(Date.now() / 10_000 - os.uptime() / 10)}`
  )
}

/** proc(5): the command in field 2 may hold blanks and parentheses; field 22 is the start time. A zombie (Z) is dead. */
function startOf(pid: number): string | undefined {
  const stat = read(`/proc/${pid}/stat`)
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields === undefined || fields[0] === 'Z' ? undefined : fields[19]
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return undefined
  }
}

function inode(file: string): string {
  try {
    return String(statSync(file).ino)
  } catch {
    return ''
  }
}

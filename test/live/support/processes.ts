// The processes of this machine, by /proc: their parents, and the start of Haraka to which they belong.
// Processes that vanish meanwhile are left out; without /proc nothing is found.

import { existsSync, readdirSync, readFileSync } from 'node:fs'

export interface ProcessInfo {
  pid: number
  parentPid: number
  /** Arguments, joined with blanks. */
  cmdline: string
}

/** Whether this system tells of its processes. */
export const hasProc = existsSync('/proc/self/stat')

/** All processes that live; zombies don't. */
export function processes(): ProcessInfo[] {
  return pids().flatMap(pid => processInfo(pid) ?? [])
}

/** Processes that were started with `name=value` in their environment, or inherited it. Ours, or all when root. */
export function processesWithEnv(name: string, value: string): ProcessInfo[] {
  // most processes aren't: their environment alone is read
  return pids()
    .filter(pid => wasStartedWith(pid, name, value))
    .flatMap(pid => processInfo(pid) ?? [])
}

/** False too when there is no such process. */
export function wasStartedWith(pid: number, name: string, value: string): boolean {
  return read(pid, 'environ')?.split('\0').includes(`${name}=${value}`) ?? false
}

/** Does nothing when the process, or for a negative pid the group, is gone. */
export function killIfAlive(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function pids(): number[] {
  try {
    return readdirSync('/proc').filter(isNumber).map(Number)
  } catch {
    return []
  }
}

function isNumber(name: string): boolean {
  return /^\d+$/.test(name)
}

function processInfo(pid: number): ProcessInfo | undefined {
  const stat = read(pid, 'stat')
  const cmdline = read(pid, 'cmdline')
  if (stat === undefined || cmdline === undefined) return undefined
  // proc(5): pid (comm) state ppid ...; comm may hold blanks and brackets
  const [state, parentPid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (state === 'Z' || state === 'X') return undefined
  return { pid, parentPid: Number(parentPid), cmdline: cmdline.split('\0').join(' ').trim() }
}

function read(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    return undefined
  }
}

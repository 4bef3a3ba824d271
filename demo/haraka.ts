// A real Haraka in a process group of its own, so that all that it starts can be ended by one id.
// Its output is in haraka.log. Should this process be killed, Haraka ends too: see the plugin in directory.ts.

import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { EMULATOR_CREDENTIALS } from '../src/ses-emulator/options'
import { greets } from './smtp'

export interface RunningHaraka {
  /** Resolves when its master has ended: with what code or signal. */
  exited: Promise<string>
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>
  /** At once, for an exit that can't wait. */
  kill(): void
}

const START_MS = 20_000
const STOP_MS = 4000
const STEP_MS = 25

export interface HarakaOptions {
  /** Whose node_modules have Haraka. */
  packageDir: string
  /** Haraka's own. */
  dir: string
  port: number
  stop: AbortSignal
}

/** Resolves when it takes mail, or when the signal is aborted. Rejects when it doesn't; the log says why. */
export async function startHaraka({ packageDir, dir, port, stop }: HarakaOptions): Promise<RunningHaraka> {
  const program = path.join(packageDir, 'node_modules/Haraka/bin/haraka')
  if (!existsSync(program)) throw new Error('Haraka is not installed here: run npm ci')
  const log = openSync(path.join(dir, 'haraka.log'), 'a', 0o600)
  const child = spawn(process.execPath, [program, '-c', dir], {
    cwd: dir,
    detached: true,
    env: environment(),
    stdio: ['ignore', log, log, 'ipc'],
  })
  closeSync(log)
  const haraka = handleOf(child)
  const stopTrying = new AbortController()
  try {
    const ended = haraka.exited.then(how => {
      throw new Error(`Haraka ended at its start, with ${how}`)
    })
    await Promise.race([ended, takesMail(port, AbortSignal.any([stop, stopTrying.signal]))])
    return haraka
  } catch (error) {
    await haraka.stop()
    throw error
  } finally {
    stopTrying.abort()
  }
}

/** Nobody's keys: whatever this machine knows of AWS stays out of it. */
function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_') && name !== 'HARAKA')
  return {
    ...Object.fromEntries(own),
    AWS_ACCESS_KEY_ID: EMULATOR_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: EMULATOR_CREDENTIALS.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
  }
}

function handleOf(child: ChildProcess): RunningHaraka {
  const { pid } = child
  const exited = new Promise<string>(resolve => {
    child.once('error', error => resolve(error.message))
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`))
  })
  return {
    exited,
    async stop() {
      if (pid === undefined) return
      signalGroup(pid, 'SIGTERM')
      const endMs = performance.now() + STOP_MS
      while (isGroupAlive(pid) && performance.now() < endMs) await pause(STEP_MS)
      signalGroup(pid, 'SIGKILL')
      await exited
    },
    kill: () => {
      if (pid !== undefined) signalGroup(pid, 'SIGKILL')
    },
  }
}

async function takesMail(port: number, stop: AbortSignal): Promise<void> {
  const endMs = performance.now() + START_MS
  while (!stop.aborted && !(await greets(port))) {
    if (performance.now() > endMs) throw new Error(`Haraka did not answer within ${START_MS / 1000} s`)
    await pause(STEP_MS)
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // it is gone
  }
}

/** Members that are dead and only wait for somebody to ask how they ended don't count, where that can be seen. */
function isGroupAlive(group: number): boolean {
  try {
    process.kill(-group, 0)
  } catch {
    return false
  }
  return existsSync('/proc/self/stat') ? readdirSync('/proc').some(pid => isMember(pid, group)) : true
}

function isMember(pid: string, group: number): boolean {
  if (!/^\d+$/.test(pid)) return false
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // proc(5): pid (comm) state ppid pgrp ...; comm may hold blanks and brackets
    const [state, , processGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return Number(processGroup) === group && state !== 'Z' && state !== 'X'
  } catch {
    return false
  }
}

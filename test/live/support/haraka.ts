// A real Haraka on loopback, in a directory and a process group of its own.
// Whatever is started here ends at the latest with the test run; a start that fails rejects with the end of the log.

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'

import { atEnd } from './cleanup'
import {
  type DeliveredMail,
  type DirectoryOptions,
  harakaPackage,
  prepareDirectory,
  readDelivered,
} from './directory'
import { listenedOn } from './listeners'
import { type LinePattern, LogLines } from './log'
import { asProcess1, onlyChild } from './namespace'
import { hasProc, killIfAlive, type ProcessInfo, processes, processesWithEnv } from './processes'
import { openSession } from './smtp'
import { PATIENCE_MS, until } from './wait'

export interface HarakaOptions extends DirectoryOptions {
  /** Added to our own environment. */
  env?: Readonly<Record<string, string>>
  /** A line of the log to wait for as well: Haraka listens before the plugins' init hooks have run. */
  ready?: LinePattern
  /** For greeting and ready line together. */
  startTimeoutMs?: number
  /** The master is process 1 of a pid namespace, as in a container. Only where `whyNoProcess1` names no reason. */
  isProcess1?: boolean
}

export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

/** Environment variable by which everything of a start is found: its value is the start's `mark`. */
export const startMark = 'HARAKA_TEST_START'

/** Resolves when Haraka greets. Rejects, with nothing left behind, when it ends before or takes too long. */
export async function startHaraka(options: HarakaOptions = {}): Promise<RunningHaraka> {
  const { haraka, boot } = await launch(options)
  if (boot.outcome === 'up') return haraka
  await end(haraka, options)
  const what = boot.outcome === 'ended' ? `ended at boot with ${exitText(boot.exit)}` : boot.error.message
  throw new Error(`Haraka in ${haraka.dir}: ${what}; its log ends with\n${haraka.logTail()}`)
}

/** Starts a Haraka that is to end by itself before it greets; rejects when it greets after all. */
export async function expectBootFailure(options: HarakaOptions): Promise<Exit & { log: string[] }> {
  const { haraka, boot } = await launch(options)
  await end(haraka, options)
  const log = haraka.log()
  if (boot.outcome === 'ended') return { ...boot.exit, log }
  const what = boot.outcome === 'up' ? 'it started' : boot.error.message
  throw new Error(`Haraka was to end at boot, but ${what}; its log ends with\n${haraka.logTail()}`)
}

type Boot = { outcome: 'up' } | { outcome: 'ended'; exit: Exit } | { outcome: 'stuck'; error: Error }

async function launch(options: HarakaOptions): Promise<{ haraka: RunningHaraka; boot: Boot }> {
  const { dir, port } = await prepareDirectory(options)
  const mark = randomUUID()
  const command = [process.execPath, path.join(harakaPackage, 'bin/haraka'), '-c', dir]
  const [file = '', ...args] = options.isProcess1 ? asProcess1(command) : command
  const master = spawn(file, args, {
    cwd: dir,
    // a group of its own, so that all of it can be ended by one id
    detached: true,
    env: { ...process.env, ...options.env, [startMark]: mark },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  await once(master, 'spawn')
  const haraka = new RunningHaraka(
    dir,
    port,
    mark,
    master,
    options.isProcess1 ? await onlyChild(master) : undefined,
  )
  const { startTimeoutMs = PATIENCE_MS, ready } = options
  const up = greets(haraka, startTimeoutMs, ready).then(
    (): Boot => ({ outcome: 'up' }),
    (error: unknown): Boot => ({ outcome: 'stuck', error: error as Error }),
  )
  const boot = await Promise.race([up, haraka.exited])
  // whatever came first: what has ended isn't up
  if ('outcome' in boot && !haraka.hasExited) return { haraka, boot }
  return { haraka, boot: { outcome: 'ended', exit: await haraka.exited } }
}

async function greets(haraka: RunningHaraka, timeoutMs: number, ready?: LinePattern): Promise<void> {
  const readyLine = ready === undefined ? undefined : haraka.waitForLog(ready, { timeoutMs })
  // awaited below, but it may fail before that
  readyLine?.catch(() => {})
  await until(() => haraka.hasExited || isGreeted(haraka, timeoutMs), {
    timeoutMs,
    what: 'the greeting of a process of its own',
  })
  await readyLine
}

async function isGreeted(haraka: RunningHaraka, timeoutMs: number): Promise<boolean> {
  try {
    const session = await openSession({ port: haraka.port, timeoutMs })
    await session.quit()
    return listens(haraka.port, haraka.family())
  } catch {
    return false
  }
}

/** Whether one of these processes listens on that port of loopback; without /proc that is taken for granted. */
export function listens(port: number, family: readonly ProcessInfo[]): boolean {
  const pids = family.map(({ pid }) => pid)
  return !hasProc || listenedOn(pids).includes(`127.0.0.1:${port}`)
}

/** Stops it, and removes its directory if it isn't the caller's. */
async function end(haraka: RunningHaraka, { dir }: HarakaOptions): Promise<void> {
  await haraka.stop()
  if (dir === undefined) haraka.remove()
}

function exitText({ code, signal }: Exit): string {
  return signal === null ? `exit code ${code}` : signal
}

export class RunningHaraka {
  /** Of the master, or with `nodes: 0` of the one process. */
  readonly pid: number
  /** Resolves when the master has ended and all that it wrote is in log(). */
  readonly exited: Promise<Exit>
  hasExited = false
  readonly #log = new LogLines()
  readonly #group: number
  readonly #forget: () => void

  constructor(
    readonly dir: string,
    readonly port: number,
    readonly mark: string,
    master: ChildProcessByStdio<null, Readable, Readable>,
    /** Where `master` only starts the process that is Haraka. */
    pid = master.pid,
  ) {
    if (pid === undefined || master.pid === undefined) throw new Error('Haraka was not started')
    this.pid = pid
    this.#group = master.pid
    this.#log.follow(master.stdout)
    this.#log.follow(master.stderr)
    this.#forget = atEnd(() => this.#killAll())
    this.exited = this.#exit(master)
  }

  /** All lines of stdout and stderr so far. */
  log(): string[] {
    return [...this.#log.lines]
  }

  logTail(): string {
    return this.#log.tail()
  }

  /** The first line with `pattern` from index `since` of log() on. Rejects with the end of the log. */
  waitForLog(pattern: LinePattern, options: { since?: number; timeoutMs?: number } = {}): Promise<string> {
    return this.#log.wait(pattern, options)
  }

  /** Everything that came of this start and lives, also when its parent is dead. Linux only. */
  family(): ProcessInfo[] {
    return processesWithEnv(startMark, this.mark)
  }

  /** The master's own children. Linux only. */
  children(): ProcessInfo[] {
    return processes().filter(({ parentPid }) => parentPid === this.pid)
  }

  /** Process ids of Haraka's workers. Linux only. */
  workers(): number[] {
    return this.children()
      .filter(({ cmdline }) => cmdline.includes(path.join(harakaPackage, 'haraka.js')))
      .map(({ pid }) => pid)
  }

  /** Only for processes of this start. */
  kill(pid: number, signal: NodeJS.Signals): void {
    if (pid !== this.pid && !this.family().some(member => member.pid === pid)) {
      throw new Error(`${pid} is no process of this Haraka`)
    }
    killIfAlive(pid, signal)
  }

  delivered(): DeliveredMail[] {
    return readDelivered(this.dir)
  }

  /** Waits for at least `count` mails. */
  waitForDelivered(count: number, timeoutMs = PATIENCE_MS): Promise<DeliveredMail[]> {
    return until(
      () => {
        const mails = this.delivered()
        return mails.length >= count && mails
      },
      { timeoutMs, what: `${count} delivered mails` },
    )
  }

  /** SIGTERM to the master; whatever of it still lives after graceMs is killed. The directory stays. */
  async stop({ graceMs = 3000 }: { graceMs?: number } = {}): Promise<void> {
    if (!this.hasExited) killIfAlive(this.pid, 'SIGTERM')
    const gone = (): boolean => this.hasExited && this.family().length === 0
    const what = 'the end of Haraka'
    try {
      await until(gone, { timeoutMs: graceMs, what })
    } catch {
      this.#killAll()
      await until(gone, { what })
    }
    await this.exited
    this.#forget()
  }

  /** Deletes the directory. */
  remove(): void {
    rmSync(this.dir, { recursive: true, force: true })
  }

  #killAll(): void {
    if (!this.hasExited) killIfAlive(-this.#group, 'SIGKILL')
    for (const { pid } of this.family()) killIfAlive(pid, 'SIGKILL')
  }

  async #exit(master: ChildProcessByStdio<null, Readable, Readable>): Promise<Exit> {
    const closed = once(master, 'close')
    const [code, signal] = (await once(master, 'exit')) as [number | null, NodeJS.Signals | null]
    this.hasExited = true
    // a child that lives on holds the pipes open
    await Promise.race([closed, pause(300, undefined, { ref: false })])
    return { code, signal }
  }
}

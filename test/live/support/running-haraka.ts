// A Haraka that was started, with all that came of it: its log, its processes, the mails it delivered, its end.

import { type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

import { atEnd } from './cleanup'
import { type DeliveredMail, harakaPackage, readDelivered } from './directory'
import type { LinePattern, Log } from './log'
import { hasProc, killIfAlive, type ProcessInfo, processes, processesWithEnv } from './processes'
import { PATIENCE_MS, until } from './wait'

/** Environment variable by which everything of a start is found: its value is the start's `mark`. */
export const startMark = 'HARAKA_TEST_START'

/** For the end of Haraka and its workers after SIGTERM: a queue that was not closed in order isn't what tests look at. */
const GRACE_MS = 30_000

export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

export class RunningHaraka {
  /** The pid of the master, or with `nodes: 0` of the one process. */
  readonly pid: number
  /** Resolves when the master has ended and all that it wrote is in log(). */
  readonly exited: Promise<Exit>
  hasExited = false
  readonly #log: Log
  /** The master's end; its children may still write into the log. */
  readonly #ended: Promise<unknown[]>
  readonly #group: number
  readonly #forget: () => void

  constructor(
    readonly dir: string,
    readonly port: number,
    readonly mark: string,
    master: ChildProcess,
    log: Log,
    /** Where `master` only starts the process that is Haraka. */
    pid = master.pid,
  ) {
    if (pid === undefined || master.pid === undefined) throw new Error('Haraka was not started')
    this.pid = pid
    this.#group = master.pid
    this.#log = log
    this.#forget = atEnd(() => this.killAll())
    this.#ended = once(master, 'exit')
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
  async stop({ graceMs = GRACE_MS }: { graceMs?: number } = {}): Promise<void> {
    if (!this.hasExited) killIfAlive(this.pid, 'SIGTERM')
    const gone = (): boolean => this.hasExited && this.family().length === 0
    const what = 'the end of Haraka'
    const endMs = performance.now() + graceMs
    try {
      // asking for the family again and again costs more than Haraka's end
      await Promise.race([this.#ended, pause(graceMs, undefined, { ref: false })])
      await until(gone, { timeoutMs: Math.max(0, endMs - performance.now()), what })
    } catch {
      this.killAll()
      await until(gone, { what })
    }
    if (!hasProc) this.killAll()
    await this.exited
    this.#forget()
  }

  /** Deletes the directory. */
  remove(): void {
    rmSync(this.dir, { recursive: true, force: true })
  }

  /** At once, for an exit that can't wait. */
  killAll(): void {
    // without /proc the group alone says what is left of it
    if (!this.hasExited || !hasProc) killIfAlive(-this.#group, 'SIGKILL')
    for (const { pid } of this.family()) killIfAlive(pid, 'SIGKILL')
  }

  async #exit(master: ChildProcess): Promise<Exit> {
    const closed = once(master, 'close')
    const [code, signal] = (await this.#ended) as [number | null, NodeJS.Signals | null]
    this.hasExited = true
    // a child that lives on holds the pipes open
    await Promise.race([closed, pause(300, undefined, { ref: false })])
    return { code, signal }
  }
}

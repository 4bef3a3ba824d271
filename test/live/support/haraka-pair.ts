// Two Harakas on one queue, which are started again whenever they end, until the chaos test is over.
// Whatever is started here ends with `end`, which tells what had to be made to.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Database } from '../../../src/queue/sqlite/database'
import type { Instance, Victim } from './chaos-plan'
import type { DeliveredMail } from './directory'
import { type RunningHaraka, startHaraka, startMark } from './haraka'
import { killIfAlive, wasStartedWith } from './processes'
import { iniText } from './product'
import { FAULT } from './unharmed'
import { until } from './wait'

export interface HarakaPairOptions {
  sesUrl: string
  /** The folder of the queue. */
  folder: string
  intervalMs: number
  timeoutMs: number
}

export const INSTANCES: readonly Instance[] = [0, 1]
const WORKERS = 2
const START_AGAIN_MS = 200
const OURS = /ses-bounce|\/dist\/(?:src|plugins)\//

/** For the recipients of chaos-plan.ts. */
const RULES = `[unknown]
recipient = unknown-*@yours.example
action = bounce
bounce.type = DoesNotExist

[full]
recipient = full-*@yours.example
action = bounce
bounce.type = ExceededQuota
bounce.text = The mailbox is full.
`

/** A mail with this header waits between its commit and its 250, where other plugins may do anything. */
export const SLOW_HEADER = 'X-Slow-Answer'
const slowPlugin = `'use strict'
exports.hook_queue_ok = (next, connection) => {
  const slow = connection.transaction.header.get('${SLOW_HEADER}').trim() !== ''
  setTimeout(next, slow ? 1500 : 0)
}
`

export class HarakaPair {
  readonly queueFile: string
  readonly #options: HarakaPairOptions
  readonly #dirs: readonly string[]
  readonly #up = new Map<Instance, RunningHaraka>()
  readonly #starts: RunningHaraka[] = []
  /** The reasons why a Haraka didn't come up: it was killed, or the disk was full. */
  readonly failedBoots: string[] = []
  /** For each Haraka whose master was killed: the number of lines that it and its workers had written by then. */
  readonly #linesAtKill = new Map<RunningHaraka, number>()
  #guards: Promise<void>[] = []
  #over = false

  constructor(options: HarakaPairOptions) {
    this.#options = options
    this.queueFile = path.join(options.folder, 'queue.sqlite')
    this.#dirs = INSTANCES.map(() => mkdtempSync(path.join(tmpdir(), 'haraka-')))
    mkdirSync(options.folder, { recursive: true })
  }

  /** Resolves when both are up; from then on each is started again when it ends. */
  async start(): Promise<void> {
    this.#guards = INSTANCES.map(instance => this.#guard(instance))
    await until(() => this.#up.size === INSTANCES.length, { what: 'both Harakas' })
  }

  port(instance: Instance): number | undefined {
    return this.#up.get(instance)?.port
  }

  /** The pids of the start that is up now; none while it isn't. */
  pids(instance: Instance, what: Victim): number[] {
    const haraka = this.#up.get(instance)
    if (haraka === undefined) return []
    if (what === 'master') return [haraka.pid]
    if (what === 'worker') return haraka.workers()
    return haraka
      .children()
      .flatMap(({ pid, cmdline }) => (cmdline.includes('/dispatch/main.js') ? [pid] : []))
  }

  /** The process that has the lead, if it is one of ours. */
  holder(): number | undefined {
    const pid = this.#holder()
    return pid !== undefined && this.#owns(pid) ? pid : undefined
  }

  /** True too when it can't be told now. */
  mayHold(pid: number): boolean {
    return (this.#holder() ?? pid) === pid
  }

  #holder(): number | undefined {
    return this.look(database => Number(database.get('SELECT pid FROM dispatcher')?.['pid'] ?? 0))
  }

  /** Undefined: the file can't be read now. Nothing of it stays open. */
  look<T>(work: (database: Database) => T): T | undefined {
    try {
      const database = new Database(this.queueFile, { busyMs: 0, create: false })
      try {
        return work(database)
      } finally {
        database.close()
      }
    } catch {
      return undefined
    }
  }

  /** Nothing happens to a process that isn't of this pair. */
  signal(pid: number, signal: NodeJS.Signals): boolean {
    if (!this.#owns(pid)) return false
    const haraka = this.#starts.find(one => one.pid === pid)
    if (haraka !== undefined && signal === 'SIGKILL') this.#linesAtKill.set(haraka, haraka.log().length)
    killIfAlive(pid, signal)
    return true
  }

  #owns(pid: number): boolean {
    return this.#starts.some(({ mark }) => wasStartedWith(pid, startMark, mark))
  }

  /** Lines that tell of a fault which nobody caught. */
  complaints(): string[] {
    return this.#starts.flatMap(haraka =>
      haraka.log().filter((line, index) => {
        // Haraka's workers fail on the dead master's channel: only what is ours counts from then on
        const isOrphans = index >= (this.#linesAtKill.get(haraka) ?? Number.POSITIVE_INFINITY)
        return FAULT.test(line) && (!isOrphans || OURS.test(line))
      }),
    )
  }

  delivered(): DeliveredMail[] {
    return this.#starts
      .filter(({ dir }, index) => this.#starts.findLastIndex(other => other.dir === dir) === index)
      .flatMap(haraka => haraka.delivered())
  }

  /** Ends what is up as an operator does. Returns what was left of any start, and had to be killed. */
  async end(): Promise<string[]> {
    this.#over = true
    const left: string[] = []
    for (const haraka of this.#up.values()) killIfAlive(haraka.pid, 'SIGTERM')
    await Promise.all(this.#guards)
    for (const haraka of this.#starts) {
      const family = () => haraka.family()
      await until(() => family().length === 0, { what: 'the end', timeoutMs: 20_000 }).catch(() =>
        left.push(...family().map(({ pid, cmdline }) => `${pid} ${cmdline}`)),
      )
      await haraka.stop()
    }
    return left
  }

  removeFiles(): void {
    for (const dir of this.#dirs) rmSync(dir, { recursive: true, force: true })
  }

  async #guard(instance: Instance): Promise<void> {
    while (!this.#over) {
      try {
        const haraka = await this.#launch(instance)
        this.#starts.push(haraka)
        this.#up.set(instance, haraka)
        if (this.#over) killIfAlive(haraka.pid, 'SIGTERM')
        await haraka.exited
        this.#up.delete(instance)
      } catch (error) {
        this.failedBoots.push(String(error))
        await pause(START_AGAIN_MS)
      }
    }
  }

  #launch(instance: Instance): Promise<RunningHaraka> {
    const { sesUrl, intervalMs, timeoutMs } = this.#options
    const ini = {
      relay: { trusted: '127.0.0.0/8' },
      limit: { interval: `${intervalMs}ms`, per_sender: '' },
      queue: { path: this.queueFile, retry: '200ms..2s' },
      ses: { timeout: `${timeoutMs}ms` },
    }
    return startHaraka({
      dir: this.#dirs[instance] ?? '',
      plugins: ['ses-bounce', 'slow'],
      nodes: WORKERS,
      files: {
        'config/host_list': 'yours.example\n',
        'config/ses-bounce.ini': iniText(ini, sesUrl),
        'config/ses-bounce-rules.ini': RULES,
        'plugins/slow.js': slowPlugin,
      },
    })
  }
}

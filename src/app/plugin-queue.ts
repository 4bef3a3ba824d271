// The queue in one Haraka process: where it is, and the handles to it. They are opened at their first use, with the user
// that the process runs as then.

import path from 'node:path'
import type { Owner } from '../config/owner'
import { checkFolder, givePrivateIfThere, makePrivateDir } from '../config/private-files'
import type { Settings } from '../config/settings'
import { systemClock } from '../dispatch/clock'
import type { CounterStore } from '../queue/counters'
import {
  openCounterStore,
  openHostRegister,
  openOperatorQueue,
  openWorkerQueue,
  prepareQueue,
} from '../queue/open'
import { OpenOnce } from '../queue/open-once'
import type { OperatorQueue } from '../queue/operator'
import { prepareAtBoot } from '../queue/prepare-at-boot'
import type { Eventually, QueueClock, WorkerQueue } from '../queue/store'
import type { StatementObserver } from '../queue/store-counts'
import {
  fromEnvironment,
  passwordIn,
  placeFor,
  type QueuePlace,
  type QueueTarget,
  targetAt,
  toEnvironment,
} from '../queue/target'
import type { EpochMs } from '../units'
import { packageVersion } from '../version'
import { type HostWatch, type HostWatchOptions, watchHosts } from './host-watch'

export interface PluginQueueOptions {
  harakaDir: string
  /** A worker of Haraka's cluster, which uses its master's queue, even if the settings have changed. */
  isWorker: boolean
  owner: Owner
  settings: () => Settings
  /** Is told of each statement to a database. */
  observer: StatementObserver
  /** The folder of the mail on disk: asked for when a handle is opened, as it may be made by then. */
  home: () => string
  warn: (message: string) => void
}

export class PluginQueue {
  readonly place: QueuePlace
  readonly #options: PluginQueueOptions
  readonly #target: QueueTarget
  readonly #worker: OpenOnce<WorkerQueue>
  readonly #operator: OpenOnce<OperatorQueue>
  /** Stays true when the connections have been closed. */
  #hasOpened = false

  constructor(options: PluginQueueOptions) {
    const { harakaDir, isWorker, settings } = options
    this.#options = options
    this.place =
      (isWorker ? fromEnvironment(process.env) : undefined) ?? placeFor(settings().queue, harakaDir)
    // workers inherit it
    if (!isWorker) Object.assign(process.env, toEnvironment(this.place))
    this.#target = targetAt(this.place, () => passwordIn(settings().queue), options.observer)
    this.#worker = new OpenOnce(() => openWorkerQueue(this.#target, this.#home()))
    this.#operator = new OpenOnce(() =>
      openOperatorQueue(this.#target, { ...this.#home(), isInSmtpProcess: true }),
    )
  }

  /** Rejects with QueueError, or throws it. */
  worker(): Eventually<WorkerQueue> {
    this.#hasOpened = true
    return this.#worker.get()
  }

  /** For views and changes by hand. Rejects with QueueError, or throws it. */
  operator(): Eventually<OperatorQueue> {
    this.#hasOpened = true
    return this.#operator.get()
  }

  /** The queue's time, without a question to it: the host's until the queue has answered once. */
  nowMs(): EpochMs {
    return this.#clock()?.nowMs() ?? Date.now()
  }

  /** Whether `nowMs` is the queue's time. */
  knowsTime(): boolean {
    return this.place.store === 'sqlite' || this.#clock() !== undefined
  }

  /** The queue's time; the host's if the queue can't be asked. Never rejects. */
  async learnTime(): Promise<EpochMs> {
    if (this.knowsTime()) return this.nowMs()
    try {
      return await (await this.worker()).clock.learn()
    } catch {
      // the next call of the queue reports the fault
      return this.nowMs()
    }
  }

  #clock(): QueueClock | undefined {
    const clocks = [this.#worker.value?.clock, this.#operator.value?.clock]
    return clocks.find(clock => clock?.isKnown)
  }

  /** The name of this host, if several share the queue. */
  get hostName(): string | undefined {
    return this.place.store === 'postgres' ? this.place.hostName : undefined
  }

  /** In the master. Undefined: the queue is of this host alone. */
  watchHosts(config: () => string, log: HostWatchOptions['log']): HostWatch | undefined {
    const name = this.hostName
    if (name === undefined) return undefined
    const open = () => openHostRegister(this.#target)
    const monoMs = () => systemClock.monoMs()
    return watchHosts({ open, name, version: packageVersion(), config, log, monoMs })
  }

  /** Rejects with QueueError, or throws it. */
  counters(): Eventually<CounterStore> {
    return openCounterStore(this.#target)
  }

  /**
   * In the master: gives the files to the workers' user. `claim`: those of the plugin's folder.
   *
   * Before SQLite opens the queue file, and never after: closing a descriptor of a file drops all locks that the process
   * holds on it, SQLite's too. Another process would then truncate the -shm file under this one, which ends with SIGBUS
   * (sqlite.org/howtocorrupt.html, section 2.2). A closed connection may keep its locks for a while.
   */
  claimFiles(claim: () => void): void {
    if (this.#hasOpened) return
    claim()
    if (this.place.store !== 'sqlite') return
    for (const suffix of ['', '-wal', '-shm'])
      givePrivateIfThere(this.place.file + suffix, this.#options.owner)
  }

  /** Does the same as `prepare`, and has finished when it returns. @throws QueueError */
  prepareAtBoot(): void {
    if (this.place.store === 'postgres') prepareAtBoot(this.place, passwordIn(this.#options.settings().queue))
    // a file is made at once
    else void this.prepare()
  }

  /** In the master: makes the queue for the workers' user, as the master may be root and the workers not. */
  prepare(): Eventually<void> {
    const { owner } = this.#options
    if (this.place.store === 'sqlite') this.#makeFolder(path.dirname(this.place.file))
    if (this.isOfOthers()) return prepareQueue(this.#target, owner)
    this.#hasOpened = true
    return prepareQueue(this.#target)
  }

  /** SQLite's files belong to the workers' user, and this is root: it would make -wal and -shm its own. */
  isOfOthers(): boolean {
    const isRoot = process.geteuid?.() === 0
    return this.place.store === 'sqlite' && isRoot && this.#options.owner.uid !== undefined
  }

  /** The keys of [queue] whose new values wait for the next start. */
  changedKeys(settings: Settings): string[] {
    const now = placeFor(settings.queue, this.#options.harakaDir)
    const [before, after] = [this.place, now].map(place => new Map<string, unknown>(Object.entries(place)))
    const fields = [...new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])])]
    const changed = fields.filter(field => before?.get(field) !== after?.get(field))
    return [...new Set(changed.map(field => KEYS[field] ?? field))]
  }

  async close(): Promise<void> {
    await this.#worker.close()
    await this.#operator.close()
  }

  #makeFolder(folder: string): void {
    const { owner, harakaDir, warn } = this.#options
    makePrivateDir(folder, owner)
    const warning = checkFolder(folder, owner)
    const own = path.join(harakaDir, 'ses-bounce')
    if (warning !== undefined && folder !== own && !folder.startsWith(own + path.sep)) warn(warning)
  }

  #home(): { home: string } {
    return { home: this.#options.home() }
  }
}

/** The key of [queue] for each field of a place. */
const KEYS: Readonly<Record<string, string>> = {
  file: 'path',
  host: 'url',
  port: 'url',
  user: 'url',
  database: 'url',
  timeoutMs: 'timeout',
  migrates: 'migrate',
  hostName: 'host',
}

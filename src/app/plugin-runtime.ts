// The plugin's state in one Haraka process: the active configuration, its connection to the queue and, in the master,
// the dispatcher's supervisor. Errors of the files are thrown, and must stop Haraka at boot.

import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Configuration } from '../config/configuration'
import type { Diagnostic } from '../config/diagnostics'
import { type Owner, runAs } from '../config/owner'
import type { MailStorePlace } from '../config/settings'
import { snapshotFile } from '../config/snapshot'
import { systemClock } from '../dispatch/clock'
import { stopBeforeOthers } from '../dispatch/orderly-stop'
import { type Supervisor, superviseDispatcher } from '../dispatch/supervisor'
import { errorMessage, isLasting, QueueError } from '../errors'
import type { MailStore } from '../quarantine/mail-store'
import { inheritedMailPlace, openMailStore, passOnMailPlace } from '../quarantine/open-store'
import { folderTokens, type ReleaseTokens, releaseTokenFolder } from '../quarantine/release-token'
import { MetricsBuffer } from '../queue/metrics-buffer'
import { type MetricsFlush, startMetricsFlush } from '../queue/metrics-flush'
import type { OperatorQueue } from '../queue/operator'
import type { Eventually, WorkerQueue } from '../queue/store'
import { StoreCounts } from '../queue/store-counts'
import type { EpochMs } from '../units'
import { openWorkerThreads, type WorkerThreads } from '../worker-thread/worker-threads'
import type { ActiveConfig } from './active-config'
import { bootLine } from './boot-line'
import type { HostWatch } from './host-watch'
import { MailCounts } from './mail-counts'
import { makeFiles } from './make-files'
import { openActiveConfiguration } from './open-active-configuration'
import { PluginQueue } from './plugin-queue'
import { RefusalSurges } from './refusal-surges'
import { SurgeFiles, surgeFolder } from './surge-files'

const START_AGAIN_MS = 5000
/** Time after the timeout of a call to record its outcome. */
const STOP_GRACE_MS = 1000

export interface PluginRuntimeOptions {
  harakaDir: string
  /** A worker of Haraka's cluster; else its master, or the one process. */
  isWorker: boolean
  log: (level: 'info' | 'notice' | 'warn' | 'error', message: string) => void
  /** Called after a reload. */
  onChange?: (activeConfig: ActiveConfig) => void
}

export class PluginRuntime {
  readonly harakaDir: string
  readonly mailStore: MailStore
  readonly #mailPlace: MailStorePlace
  readonly workerThreads: WorkerThreads = openWorkerThreads()
  readonly counts: MailCounts
  readonly surgeFiles: SurgeFiles
  readonly surges: RefusalSurges
  readonly #options: PluginRuntimeOptions
  readonly #owner: Owner
  readonly #configuration: Configuration<ActiveConfig>
  readonly #queue: PluginQueue
  readonly #metricsFlush: MetricsFlush
  /** Haraka's workers exit when their master has ended, without a hook. */
  readonly #atExit = () => void this.#metricsFlush.flush()
  #supervisor: Supervisor | undefined
  #hostWatch: HostWatch | undefined
  #starting: Promise<void> | undefined
  #isClosed = false
  #giveSignalsBack: () => void = () => undefined
  #again: NodeJS.Timeout | undefined

  /** @throws ConfigurationError with every error that the files have */
  constructor(options: PluginRuntimeOptions) {
    const { harakaDir, isWorker, log } = options
    const configDir = path.join(harakaDir, 'config')
    this.#options = options
    this.#owner = runAs(textOf(path.join(configDir, 'smtp.ini')))
    this.harakaDir = harakaDir
    const metricsBuffer = new MetricsBuffer()
    // a reading of the files is counted before the queue is known
    let queue: PluginQueue | undefined
    this.counts = new MailCounts(metricsBuffer, () => queue?.nowMs() ?? Date.now())
    this.surgeFiles = new SurgeFiles(surgeFolder(harakaDir))
    this.surges = new RefusalSurges({
      files: this.surgeFiles,
      surge: () => this.activeConfig().settings.refusals.surge,
      nowMs: () => Date.now(),
      nowMonoMs: () => systemClock.monoMs(),
      log,
    })
    this.#configuration = openActiveConfiguration({
      configDir,
      snapshotFile: snapshotFile(harakaDir),
      owner: this.#owner,
      isWorker,
      log,
      onChange: activeConfig => this.#changed(activeConfig),
      onRead: (state, errors) => this.counts.read(state, errors),
    })
    queue = new PluginQueue({
      harakaDir,
      isWorker,
      owner: this.#owner,
      settings: () => this.activeConfig().settings,
      observer: new StoreCounts(metricsBuffer),
      home: () => this.mailStore.home,
      warn: message => log('warn', message),
    })
    this.#queue = queue
    const mailPlace = () => this.activeConfig().settings.quarantine.store
    this.#mailPlace = (isWorker ? inheritedMailPlace() : undefined) ?? mailPlace()
    if (!isWorker) passOnMailPlace(this.#mailPlace)
    this.mailStore = openMailStore(this.#mailPlace, harakaDir, this.#queue.place)
    this.#metricsFlush = startMetricsFlush({
      metricsBuffer,
      open: () => this.#queue.counters(),
      when: () => this.#mayHandOver(),
      log,
    })
    process.once('exit', this.#atExit)
  }

  activeConfig(): ActiveConfig {
    return this.#configuration.current()
  }

  /** Rejects with QueueError, or throws it. */
  queue(): Eventually<WorkerQueue> {
    return this.#queue.worker()
  }

  /** For views and changes by hand, in the process that serves SMTP. Rejects with QueueError, or throws it. */
  operator(): Eventually<OperatorQueue> {
    return this.#queue.operator()
  }

  /** The queue's time, without a question to it: the host's until the queue has answered once. */
  nowMs(): EpochMs {
    return this.#queue.nowMs()
  }

  /** Whether `nowMs` is the queue's time. */
  knowsTime(): boolean {
    return this.#queue.knowsTime()
  }

  /** The queue's time; the host's if the queue can't be asked. Never rejects. */
  learnTime(): Promise<EpochMs> {
    return this.#queue.learnTime()
  }

  /** Rejects with QueueError where the queue of several hosts has them. */
  async releaseTokens(): Promise<ReleaseTokens> {
    const own = folderTokens(releaseTokenFolder(this.harakaDir))
    if (this.#queue.place.store === 'sqlite') return own
    return (await this.queue()).releaseTokens ?? own
  }

  /** The name of this host, if several share the queue. */
  get hostName(): string | undefined {
    return this.#queue.hostName
  }

  /** The digest of the configuration files as they are now. */
  configDigest(): string {
    return this.#configuration.digest()
  }

  diagnostics(): readonly Diagnostic[] {
    return this.#configuration.diagnostics()
  }

  /**
   * In the master: makes and checks the files and the queue, and starts the dispatcher. Does nothing while the plugin is
   * idle. Rejects with the fault that must stop Haraka. A database that can't be used now doesn't: mail gets a
   * temporary refusal, and it is tried again. Nothing of it is left for later, so that no mail comes before a
   * rejection.
   */
  async boot(): Promise<void> {
    const outlived = this.#configuration.outlived()
    this.#options.log('notice', bootLine(this.activeConfig(), this.#queue.place, outlived))
    try {
      await this.#startDispatcher(() => this.#queue.prepareAtBoot())
    } catch (error) {
      if (!this.#mayPass(error)) throw error
      this.#tryAgainLater(error)
    }
  }

  async #startDispatcher(prepare: () => Eventually<void>): Promise<void> {
    if (this.activeConfig().idle) {
      this.#options.log('notice', 'idle: no relay is trusted; set [relay] trusted in config/ses-bounce.ini')
      return
    }
    if (this.#supervisor) return
    this.#starting ??= this.#prepareAndSupervise(prepare).finally(() => {
      this.#starting = undefined
    })
    await this.#starting
  }

  async #prepareAndSupervise(prepare: () => Eventually<void>): Promise<void> {
    const { harakaDir, log } = this.#options
    makeFiles(harakaDir, this.#owner, this.#queue, log)
    await prepare()
    if (this.#isClosed) return
    const supervisor = superviseDispatcher({
      harakaDir,
      place: this.#queue.place,
      owner: this.#owner,
      log,
    })
    this.#supervisor = supervisor
    this.#hostWatch = this.#queue.watchHosts(() => this.configDigest(), log)
    if (process.pid !== 1) return
    this.#giveSignalsBack = stopBeforeOthers({
      stop: async () => {
        await supervisor.stop()
        await this.#hostWatch?.stop()
        await this.#metricsFlush.flush()
      },
      limitMs: () => this.activeConfig().settings.ses.timeoutMs + STOP_GRACE_MS,
      log,
    })
  }

  /** Loads the parsers and starts a thread, if a rule needs content, and asks the queue for its time. */
  async warmUp(): Promise<void> {
    const learned = this.learnTime()
    const asks = this.activeConfig().policy.rules.some(({ conditions }) =>
      conditions.some(({ field }) => field.phase === 'content'),
    )
    if (asks) await this.workerThreads.warmUp()
    await learned
  }

  wake(): void {
    this.#supervisor?.wake()
  }

  close(): void {
    this.#configuration.stop()
    clearTimeout(this.#again)
    this.#giveSignalsBack()
    void this.#supervisor?.stop()
    void this.#hostWatch?.stop()
    this.workerThreads.close()
    process.off('exit', this.#atExit)
    this.#isClosed = true
    void this.#metricsFlush.close()
    void this.#queue.close()
  }

  /** After a reload Haraka can't be stopped, so a failure is logged and tried again. */
  #startOrTryAgain(): void {
    clearTimeout(this.#again)
    this.#startDispatcher(() => this.#queue.prepare()).catch((error: unknown) => this.#tryAgainLater(error))
  }

  #tryAgainLater(error: unknown): void {
    this.#options.log('error', `the dispatcher can't be started: ${errorMessage(error)}`)
    clearTimeout(this.#again)
    if (this.#isClosed) return
    this.#again = setTimeout(() => this.#startOrTryAgain(), START_AGAIN_MS)
    this.#again.unref()
  }

  /** A file that can't be used is this host's own fault; a database may be failing over. */
  #mayPass(error: unknown): boolean {
    return this.#queue.place.store === 'postgres' && error instanceof QueueError && !isLasting(error)
  }

  #changed(activeConfig: ActiveConfig): void {
    const { isWorker, log, onChange } = this.#options
    onChange?.(activeConfig)
    const keys = this.#queue.changedKeys(activeConfig.settings)
    if (keys.length > 0) {
      const verb = keys.length > 1 ? 'take' : 'takes'
      log('warn', `[queue] ${keys.join(', ')} ${verb} effect when Haraka starts again`)
    }
    if (!isDeepStrictEqual(activeConfig.settings.quarantine.store, this.#mailPlace))
      log('warn', '[quarantine] store takes effect when Haraka starts again')
    if (!isWorker) this.#startOrTryAgain()
  }

  /**
   * The master makes the files first (`makeFiles`). As root SQLite makes -wal and -shm the owner's of the file as it
   * finds it; should that be put right later, workers would be shut out.
   */
  #mayHandOver(): boolean {
    const hasFiles = this.#options.isWorker ? !this.activeConfig().idle : this.#supervisor !== undefined
    return hasFiles && !this.#queue.isOfOthers()
  }
}

function textOf(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}

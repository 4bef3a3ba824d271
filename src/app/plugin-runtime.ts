// The plugin's state in one Haraka process: the active configuration, its connection to the queue and, in the master,
// the dispatcher's supervisor. Opening throws errors that must stop Haraka at boot.

import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { type Configuration, openConfiguration } from '../config/configuration'
import type { Diagnostic } from '../config/diagnostics'
import { SETTINGS_FILE } from '../config/load'
import { type Owner, runAs } from '../config/owner'
import { checkFolder, claimFolder, givePrivateIfThere, makePrivateDir } from '../config/private-files'
import { withoutToken } from '../config/secret'
import { snapshotFile } from '../config/snapshot'
import { systemClock } from '../dispatch/clock'
import { stopBeforeOthers } from '../dispatch/orderly-stop'
import { type Supervisor, superviseDispatcher } from '../dispatch/supervisor'
import { errorMessage } from '../errors'
import { keptFolder, openFolderStore, quarantineFolder } from '../quarantine/folder-store'
import type { MailStore } from '../quarantine/mail-store'
import { MetricsBuffer } from '../queue/metrics-buffer'
import { type MetricsFlush, startMetricsFlush } from '../queue/metrics-flush'
import {
  BUSY_MS,
  makeQueueFile,
  makeQueueFileAs,
  openCounterStore,
  openOperatorQueue,
  openWorkerQueue,
} from '../queue/open'
import type { OperatorQueue } from '../queue/operator'
import type { WorkerQueue } from '../queue/store'
import { openWorkerThreads, type WorkerThreads } from '../worker-thread/worker-threads'
import { type ActiveConfig, compileActiveConfig } from './active-config'
import { MailCounts } from './mail-counts'
import { RefusalSurges } from './refusal-surges'
import { SurgeFiles, surgeFolder } from './surge-files'

/** The master's queue file. Workers that start later use it too, even if the settings have changed. */
const QUEUE_FILE = 'SES_BOUNCE_QUEUE_FILE'
const START_AGAIN_MS = 5000
/** Time after the timeout of a call to record its outcome. */
const STOP_GRACE_MS = 1000

export interface PluginRuntimeOptions {
  harakaDir: string
  /** A worker of Haraka's cluster; else its master, or the one process. */
  isWorker: boolean
  log: (level: 'info' | 'notice' | 'warn' | 'error', message: string) => void
}

export class PluginRuntime {
  readonly harakaDir: string
  readonly mailStore: MailStore
  readonly workerThreads: WorkerThreads = openWorkerThreads()
  readonly counts: MailCounts
  readonly surgeFiles: SurgeFiles
  readonly surges: RefusalSurges
  readonly #options: PluginRuntimeOptions
  readonly #owner: Owner
  readonly #configuration: Configuration<ActiveConfig>
  readonly #queueFile: string
  #queue: WorkerQueue | undefined
  #operator: OperatorQueue | undefined
  readonly #metricsFlush: MetricsFlush
  /** Haraka's workers exit when their master has ended, without a hook. */
  readonly #atExit = () => void this.#metricsFlush.flush()
  #supervisor: Supervisor | undefined
  /** Stays true when the connection has been closed. */
  #hasOpenedQueue = false
  #giveSignalsBack: () => void = () => undefined
  #again: NodeJS.Timeout | undefined

  /** @throws ConfigurationError with every error that the files have */
  constructor(options: PluginRuntimeOptions) {
    const { harakaDir, isWorker, log } = options
    const configDir = path.join(harakaDir, 'config')
    this.#options = options
    this.#owner = runAs(textOf(path.join(configDir, 'smtp.ini')))
    this.harakaDir = harakaDir
    this.mailStore = openFolderStore(harakaDir)
    const metricsBuffer = new MetricsBuffer()
    this.counts = new MailCounts(metricsBuffer, () => Date.now())
    this.surgeFiles = new SurgeFiles(surgeFolder(harakaDir))
    this.surges = new RefusalSurges({
      files: this.surgeFiles,
      surge: () => this.activeConfig().settings.refusals.surge,
      nowMs: () => Date.now(),
      nowMonoMs: () => systemClock.monoMs(),
      log,
    })
    this.#configuration = openConfiguration({
      configDir,
      compile: sources => compileActiveConfig(sources, process.env),
      snapshotFile: snapshotFile(harakaDir),
      owner: this.#owner,
      keepsSnapshot: !isWorker,
      kept: (name, text) => (name === SETTINGS_FILE ? withoutToken(text) : text),
      fallsBack: isWorker,
      // the master reads the files too, and logs their errors
      logsOwnOnly: isWorker,
      log,
      onChange: activeConfig => this.#changed(activeConfig),
      onRead: (state, errors) => this.counts.read(state, errors),
    })
    this.#queueFile = queueFileFor(isWorker, path.resolve(harakaDir, this.activeConfig().settings.queue.path))
    this.#metricsFlush = startMetricsFlush({
      metricsBuffer,
      open: () => openCounterStore(this.#queueFile),
      when: () => this.#mayHandOver(),
      log,
    })
    process.once('exit', this.#atExit)
  }

  activeConfig(): ActiveConfig {
    return this.#configuration.current()
  }

  /** Opened at the first use, with the user that the process runs as then. @throws QueueError */
  queue(): WorkerQueue {
    this.#hasOpenedQueue = true
    this.#queue ??= openWorkerQueue(this.#queueFile, { home: this.mailStore.home })
    return this.#queue
  }

  /** For views and changes by hand, in the process that serves SMTP. @throws QueueError */
  operator(): OperatorQueue {
    this.#hasOpenedQueue = true
    this.#operator ??= openOperatorQueue(this.#queueFile, { busyMs: BUSY_MS, home: this.mailStore.home })
    return this.#operator
  }

  diagnostics(): readonly Diagnostic[] {
    return this.#configuration.diagnostics()
  }

  /** In the master: makes and checks the files, and starts the dispatcher. Does nothing while the plugin is idle. */
  startDispatcher(): void {
    const { harakaDir, log } = this.#options
    if (this.activeConfig().idle) {
      log('notice', 'idle: no relay is trusted; set [relay] trusted in config/ses-bounce.ini')
      return
    }
    if (this.#supervisor) return
    this.#makeFiles()
    const supervisor = superviseDispatcher({
      harakaDir,
      queueFile: this.#queueFile,
      owner: this.#owner,
      log,
    })
    this.#supervisor = supervisor
    if (process.pid !== 1) return
    this.#giveSignalsBack = stopBeforeOthers({
      stop: () => supervisor.stop(),
      limitMs: () => this.activeConfig().settings.ses.timeoutMs + STOP_GRACE_MS,
      log,
    })
  }

  /** Starts the thread that reads content, if a rule needs content. */
  async warmUp(): Promise<void> {
    const asks = this.activeConfig().policy.rules.some(({ conditions }) =>
      conditions.some(({ field }) => field.phase === 'content'),
    )
    if (asks) await this.workerThreads.content(new Uint8Array(), 0)
  }

  wake(): void {
    this.#supervisor?.wake()
  }

  close(): void {
    this.#configuration.stop()
    clearTimeout(this.#again)
    this.#giveSignalsBack()
    void this.#supervisor?.stop()
    this.workerThreads.close()
    process.off('exit', this.#atExit)
    void this.#metricsFlush.close()
    void this.#queue?.close()
    this.#queue = undefined
    void this.#operator?.close()
    this.#operator = undefined
  }

  /** Makes all files for the workers' user, as the master may be root and the workers not. */
  #makeFiles(): void {
    const folder = path.join(this.harakaDir, 'ses-bounce')
    makePrivateDir(folder, this.#owner)
    if (!this.#hasOpenedQueue) this.#claimFiles(folder)
    makePrivateDir(path.dirname(this.#queueFile), this.#owner)
    for (const folderOf of [keptFolder, quarantineFolder])
      makePrivateDir(folderOf(this.harakaDir), this.#owner)
    const warning = checkFolder(path.dirname(this.#queueFile), this.#owner)
    if (warning !== undefined && !this.#queueFile.startsWith(folder + path.sep))
      this.#options.log('warn', warning)
    if (this.#isRootForOthers()) {
      makeQueueFileAs(this.#owner, this.#queueFile)
      return
    }
    this.#hasOpenedQueue = true
    makeQueueFile(this.#queueFile)
  }

  /**
   * Before SQLite opens the queue file, and never after: closing a descriptor of a file drops all locks that the process
   * holds on it, SQLite's too. Another process would then truncate the -shm file under this one, which ends with SIGBUS
   * (sqlite.org/howtocorrupt.html, section 2.2). A closed connection may keep its locks for a while.
   */
  #claimFiles(folder: string): void {
    for (const warning of claimFolder(folder, this.#owner)) this.#options.log('warn', warning)
    for (const suffix of ['', '-wal', '-shm']) givePrivateIfThere(this.#queueFile + suffix, this.#owner)
  }

  /** After a reload Haraka can't be stopped, so a failure is logged and tried again. */
  #startOrTryAgain(): void {
    clearTimeout(this.#again)
    try {
      this.startDispatcher()
    } catch (error) {
      this.#options.log('error', `the dispatcher can't be started: ${errorMessage(error)}`)
      this.#again = setTimeout(() => this.#startOrTryAgain(), START_AGAIN_MS)
      this.#again.unref()
    }
  }

  #changed(activeConfig: ActiveConfig): void {
    const { isWorker, harakaDir, log } = this.#options
    if (path.resolve(harakaDir, activeConfig.settings.queue.path) !== this.#queueFile) {
      log('warn', '[queue] path takes effect when Haraka starts again')
    }
    if (!isWorker) this.#startOrTryAgain()
  }

  /**
   * The master makes the files first (`#makeFiles`). As root SQLite makes -wal and -shm the owner's of the file as it
   * finds it; should that be put right later, workers would be shut out.
   */
  #mayHandOver(): boolean {
    const hasFiles = this.#options.isWorker ? !this.activeConfig().idle : this.#supervisor !== undefined
    return hasFiles && !this.#isRootForOthers()
  }

  #isRootForOthers(): boolean {
    return process.geteuid?.() === 0 && this.#owner.uid !== undefined
  }
}

/** Workers inherit the master's environment. */
function queueFileFor(isWorker: boolean, configured: string): string {
  if (isWorker) return process.env[QUEUE_FILE] ?? configured
  process.env[QUEUE_FILE] = configured
  return configured
}

function textOf(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}

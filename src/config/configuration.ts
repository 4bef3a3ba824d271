// The active configuration of one process: read at the start, and again when one of its files changes.
// At the start errors throw, or the last good configuration is used. Later they are logged, and the active one stays.

import { stat } from 'node:fs/promises'
import path from 'node:path'
import { errorMessage } from '../errors'
import { ConfigurationError } from './configuration-error'
import type { ConfigurationOptions } from './configuration-options'
import { type Diagnostic, formatDiagnostic } from './diagnostics'
import { digestOf, stateOf } from './digests'
import { loadSnapshot, saveSnapshot } from './snapshot'
import {
  allDiagnostics,
  createSources,
  type Source,
  type Sources,
  signatureOf,
  signatureOfFault,
  snapshotSources,
} from './sources'

export interface Configuration<T> {
  current(): T
  /** The diagnostics of the last reading, whether it became active or not. */
  diagnostics(): readonly Diagnostic[]
  /** The digest of the files' texts at the last reading: the same on every host with the same files. */
  digest(): string
  /** Since when the active configuration has been in force, although the files have errors. Undefined: they have none. */
  outlived(): string | undefined
  /** Checks the files once. A change is read when two checks in a row find the same. Never rejects. */
  checkNow(): Promise<void>
  stop(): void
}

const POLL_MS = 1000

/** @throws ConfigurationError */
export function openConfiguration<T>(options: ConfigurationOptions<T>): Configuration<T> {
  const opened = new OpenConfiguration(options)
  const timer = setInterval(() => void opened.checkNow(), options.pollMs ?? POLL_MS)
  timer.unref()
  return {
    current: () => opened.activeConfig.value,
    diagnostics: () => opened.diagnostics,
    digest: () => opened.digest(),
    outlived: () => opened.outlived(),
    checkNow: () => opened.checkNow(),
    stop() {
      clearInterval(timer)
      opened.stopped = true
    },
  }
}

/** `own`: the errors that other processes may not have. */
type Compiled<T> = { diagnostics: Diagnostic[]; own: Diagnostic[] } & (
  | { good: true; value: T }
  | { good: false }
)

class OpenConfiguration<T> {
  activeConfig: { value: T; since: string }
  diagnostics: Diagnostic[] = []
  #own: Diagnostic[] = []
  stopped = false
  readonly #options: ConfigurationOptions<T>
  /** The state of the files when they were read last. */
  readonly #watched = new Map<string, Source>()
  /** The state that the last check found, if it differs. */
  #pending: string | undefined
  #looking: Promise<void> | undefined
  #digest: string | undefined
  #isRefused = false
  #saidMs = 0

  constructor(options: ConfigurationOptions<T>) {
    this.#options = options
    const { good, sources } = this.#compileFiles()
    if (good) {
      this.activeConfig = { value: good.value, since: this.#now() }
      this.#save(sources)
      return
    }
    const saved = this.#replacement(sources)
    if (saved === undefined) throw new ConfigurationError(this.diagnostics.filter(isError))
    this.activeConfig = saved
    this.#logErrors()
  }

  checkNow(): Promise<void> {
    this.#looking ??= this.#look()
      .catch((error: unknown) =>
        this.#options.log('error', `the configuration can't be reloaded: ${errorMessage(error)}`),
      )
      .finally(() => {
        this.#looking = undefined
      })
    return this.#looking
  }

  outlived(): string | undefined {
    return this.#isRefused ? this.activeConfig.since : undefined
  }

  digest(): string {
    this.#digest ??= digestOf([...this.#watched.values()])
    return this.#digest
  }

  async #look(): Promise<void> {
    const watched = [...this.#watched.values()]
    const signatures = await Promise.all(watched.map(({ name }) => this.#signatureNow(name)))
    if (this.stopped) return
    this.#remind()
    const hasChanged = watched.some(({ signature }, index) => signature !== signatures[index])
    const seen = signatures.join('|')
    // two equal checks, so that a file isn't read while it is being written
    const isStable = seen === this.#pending
    this.#pending = hasChanged && !isStable ? seen : undefined
    if (hasChanged && isStable) this.#reload()
  }

  #reload(): void {
    const changed = this.#changedNames()
    if (changed.length === 0) return
    const { good, sources } = this.#compileFiles()
    if (!good) {
      this.#logErrors()
      return
    }
    const previous = this.activeConfig.value
    this.activeConfig = { value: good.value, since: this.#now() }
    this.#options.log('notice', `configuration reloaded: ${changed.join(', ')}`)
    this.#save(sources)
    this.#options.onChange?.(good.value, previous)
  }

  /** The files whose text has changed; a new time alone doesn't count. */
  #changedNames(): string[] {
    const sources = createSources(this.#options.configDir)
    for (const name of this.#watched.keys()) sources.read(name)
    const changed = sources.seen().filter(({ name, text, fault }) => {
      const before = this.#watched.get(name)
      return text !== before?.text || fault !== before?.fault
    })
    for (const source of sources.seen()) this.#watched.set(source.name, source)
    this.#digest = undefined
    return changed.map(({ name }) => name)
  }

  #compileFiles(): { good: { value: T } | undefined; sources: Sources } {
    const sources = createSources(this.#options.configDir)
    const compiled = this.#compile(sources)
    // files with errors may not name all the files that belong to them
    if (compiled.good) this.#watched.clear()
    this.#isRefused = !compiled.good
    for (const source of sources.seen()) this.#watched.set(source.name, source)
    this.#digest = undefined
    this.diagnostics = compiled.diagnostics
    this.#own = compiled.own
    for (const diagnostic of this.#logged()) {
      if (!isError(diagnostic)) this.#options.log('warn', formatDiagnostic(diagnostic))
    }
    this.#options.onRead?.(stateOf(sources), this.diagnostics.filter(isError))
    return { good: compiled.good ? { value: compiled.value } : undefined, sources }
  }

  #compile(sources: Sources): Compiled<T> {
    try {
      const { value, diagnostics: found } = this.#options.compile(sources)
      const diagnostics = allDiagnostics(sources, found)
      const own = sources.faults.filter(isError)
      return diagnostics.some(isError)
        ? { good: false, diagnostics, own }
        : { good: true, value, diagnostics, own }
    } catch (error) {
      const message = `the configuration can't be compiled: ${errorMessage(error)}`
      const file = path.basename(this.#options.configDir)
      const diagnostics: Diagnostic[] = [...sources.faults, { severity: 'error', file, line: 0, message }]
      return { good: false, diagnostics, own: diagnostics.filter(isError) }
    }
  }

  #logged(): readonly Diagnostic[] {
    return this.#options.logsOwnOnly ? this.#own : this.diagnostics
  }

  #logErrors(): void {
    for (const diagnostic of this.#logged()) {
      if (isError(diagnostic)) this.#options.log('error', formatDiagnostic(diagnostic))
    }
    this.#options.log('error', `the last good configuration, of ${this.activeConfig.since}, stays in force`)
    this.#saidMs = this.#monoMs()
  }

  #remind(): void {
    const { remindsEveryMs = Number.POSITIVE_INFINITY, log } = this.#options
    if (!this.#isRefused || this.#monoMs() - this.#saidMs < remindsEveryMs) return
    this.#saidMs = this.#monoMs()
    const errors = this.diagnostics.filter(isError)
    const first = errors[0] === undefined ? '' : `, the first: ${formatDiagnostic(errors[0])}`
    const number = errors.length === 1 ? '1 error' : `${errors.length} errors`
    log(
      'error',
      `the configuration still has ${number}${first}; the last good one, of ${this.activeConfig.since}, is in force`,
    )
  }

  /** Undefined: the files must be good. */
  #replacement(broken: Sources): { value: T; since: string } | undefined {
    const { fallsBack, snapshotFile, log } = this.#options
    if (fallsBack === false) return undefined
    const saved = this.#lastGood()
    if (fallsBack === true) return saved
    if (!fallsBack(broken, saved?.value)) return undefined
    if (saved === undefined)
      log('error', `${snapshotFile} holds no last good configuration that can be used, so Haraka stops`)
    return saved
  }

  #lastGood(): { value: T; since: string } | undefined {
    const { snapshotFile, restored = asItIs } = this.#options
    const saved = loadSnapshot(snapshotFile)
    const texts = Object.entries(saved?.sources ?? {}).map(([name, text]) => [name, restored(name, text)])
    const compiled = saved && this.#compile(snapshotSources(Object.fromEntries(texts)))
    return compiled?.good ? { value: compiled.value, since: saved?.savedAt ?? '' } : undefined
  }

  #save(sources: Sources): void {
    const { keepsSnapshot, snapshotFile, kept = asItIs, owner = {}, log } = this.#options
    if (!keepsSnapshot) return
    const texts = sources
      .seen()
      .flatMap(({ name, text }) => (text === undefined ? [] : [[name, kept(name, text)] as const]))
    try {
      saveSnapshot(
        snapshotFile,
        { savedAt: this.activeConfig.since, sources: Object.fromEntries(texts) },
        owner,
      )
    } catch (error) {
      log('error', `the last good configuration can't be kept in ${snapshotFile}: ${errorMessage(error)}`)
    }
  }

  async #signatureNow(name: string): Promise<string> {
    try {
      return signatureOf(await stat(path.join(this.#options.configDir, name)))
    } catch (error) {
      return signatureOfFault(error)
    }
  }

  #monoMs(): number {
    return this.#options.monoMs?.() ?? performance.now()
  }

  #now(): string {
    return new Date(this.#options.nowMs?.() ?? Date.now()).toISOString()
  }
}

function asItIs(_name: string, text: string): string {
  return text
}

function isError(diagnostic: Diagnostic): boolean {
  return diagnostic.severity === 'error'
}

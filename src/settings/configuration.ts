// The configuration in force in one process: read at the start, read again when a file of it changes.
// At the start errors throw (or the last good one stands in); later they are logged, and what was in force stays.

import { stat } from 'node:fs/promises'
import path from 'node:path'
import { type Finding, formatFinding } from './findings'
import type { Owner } from './owner'
import { loadSnapshot, saveSnapshot } from './snapshot'
import {
  type FileSources,
  fileSources,
  type Sources,
  signatureOf,
  signatureOfFault,
  snapshotSources,
} from './sources'

export interface ConfigurationOptions<T> {
  /** Haraka's config directory. */
  configDir: string
  /** Every file it asks for is watched from then on. */
  compile(sources: Sources): { value: T; findings: Finding[] }
  snapshotFile: string
  /** Saves each good configuration there, as this owner's. */
  keepsSnapshot: boolean
  owner?: Owner
  /** At the start, the saved one stands in for files with errors. */
  fallsBack: boolean
  log: (level: 'notice' | 'warn' | 'error', message: string) => void
  onChange?: (value: T) => void
  /** How often the files are looked at. */
  pollMs?: number
}

export interface Configuration<T> {
  current(): T
  /** One look at the files; a change is taken up when it has stood for two looks. Never rejects. */
  look(): Promise<void>
  stop(): void
}

export class ConfigurationError extends Error {
  readonly findings: readonly Finding[]

  constructor(findings: readonly Finding[]) {
    super(
      `the configuration has errors:\n${findings.map(finding => `  ${formatFinding(finding)}`).join('\n')}`,
    )
    this.name = 'ConfigurationError'
    this.findings = findings
  }
}

/** A file that is being written isn't read half way: it must look the same twice. */
const POLL_MS = 1000

/** @throws ConfigurationError */
export function openConfiguration<T>(options: ConfigurationOptions<T>): Configuration<T> {
  const opened = new OpenConfiguration(options)
  const timer = setInterval(() => void opened.look(), options.pollMs ?? POLL_MS)
  timer.unref()
  return {
    current: () => opened.value,
    look: () => opened.look(),
    stop: () => clearInterval(timer),
  }
}

class OpenConfiguration<T> {
  value: T
  readonly #options: ConfigurationOptions<T>
  /** What was compiled last, good or bad. */
  #sources: FileSources
  #pending: string | undefined
  #looking = false

  constructor(options: ConfigurationOptions<T>) {
    this.#options = options
    this.#sources = fileSources(options.configDir)
    const compiled = this.#compile(this.#sources)
    if (compiled.errors.length === 0) {
      this.value = compiled.value
      this.#save()
      return
    }
    const old = options.fallsBack ? this.#lastGood() : undefined
    if (old === undefined) throw new ConfigurationError(compiled.errors)
    this.#logErrors(compiled.errors)
    options.log('error', `the configuration has errors; the last good one, of ${old.savedAt}, is in force`)
    this.value = old.value
  }

  /** Nothing else may happen in a timer: whatever goes wrong is logged. */
  async look(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    try {
      await this.#look()
    } catch (error) {
      this.#options.log('error', `reload: ${String(error)}`)
    } finally {
      this.#looking = false
    }
  }

  async #look(): Promise<void> {
    const files = this.#sources.files()
    const now = await Promise.all([...files.keys()].map(name => this.#signatureOf(name)))
    const changed = [...files.values()].some(({ signature }, index) => signature !== now[index])
    const look = now.join('|')
    const stands = look === this.#pending
    this.#pending = changed ? look : undefined
    if (changed && stands) this.#reload()
  }

  #reload(): void {
    const { log, onChange, configDir } = this.#options
    const before = this.#sources.files()
    const sources = fileSources(configDir)
    const compiled = this.#compile(sources)
    this.#sources = sources
    const names = [...sources.files()]
      .filter(([name, { text }]) => text !== before.get(name)?.text)
      .map(([name]) => name)
    if (names.length === 0 && compiled.errors.length === 0) return
    if (compiled.errors.length > 0) {
      this.#logErrors(compiled.errors)
      log('error', 'the changed configuration has errors; the last good one stays in force')
      return
    }
    this.value = compiled.value
    log('notice', `configuration reloaded: ${names.join(', ')}`)
    this.#save()
    onChange?.(this.value)
  }

  #compile(sources: FileSources): { value: T; errors: Finding[] } {
    const { value, findings } = this.#options.compile(sources)
    const all = [...sources.faults, ...findings]
    for (const finding of all) {
      if (finding.severity === 'warning') this.#options.log('warn', formatFinding(finding))
    }
    return { value, errors: all.filter(finding => finding.severity === 'error') }
  }

  #logErrors(errors: readonly Finding[]): void {
    for (const error of errors) this.#options.log('error', formatFinding(error))
  }

  #lastGood(): { value: T; savedAt: string } | undefined {
    const saved = loadSnapshot(this.#options.snapshotFile)
    if (saved === undefined) return undefined
    const { value, findings } = this.#options.compile(snapshotSources(saved.sources))
    if (findings.some(finding => finding.severity === 'error')) return undefined
    return { value, savedAt: saved.savedAt }
  }

  #save(): void {
    const { keepsSnapshot, snapshotFile, owner, log } = this.#options
    if (!keepsSnapshot) return
    const sources: Record<string, string> = {}
    for (const [name, { text }] of this.#sources.files()) if (text !== undefined) sources[name] = text
    try {
      saveSnapshot(snapshotFile, { savedAt: new Date().toISOString(), sources }, owner ?? {})
    } catch (error) {
      log('warn', `the last good configuration can't be kept in ${snapshotFile}: ${String(error)}`)
    }
  }

  async #signatureOf(name: string): Promise<string> {
    try {
      return signatureOf(await stat(path.join(this.#options.configDir, name)))
    } catch (error) {
      return signatureOfFault(error)
    }
  }
}

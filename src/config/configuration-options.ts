// How one process reads, keeps and replaces its configuration.

import type { Diagnostic } from './diagnostics'
import type { Owner } from './owner'
import type { Sources } from './sources'

export interface ConfigurationOptions<T> {
  /** Haraka's config directory. */
  configDir: string
  /** Every file that it reads is watched from then on. With an error among the diagnostics, the value isn't used. */
  compile(sources: Sources): { value: T; diagnostics: Diagnostic[] }
  snapshotFile: string
  /** The file where each good configuration is saved, for this owner. */
  keepsSnapshot: boolean
  /** Changes the text of a file before it is saved there. */
  kept?: (name: string, text: string) => string
  /** Changes the saved text of a file when it replaces the file. */
  restored?: (name: string, text: string) => string
  owner?: Owner
  /**
   * At the start, the saved configuration replaces files with errors. `broken`: these files; `saved`: undefined when there
   * is none that can be used.
   */
  fallsBack: boolean | ((broken: Sources, saved: T | undefined) => boolean)
  /** While files have errors, a line in the log says so this often. Undefined: never. */
  remindsEveryMs?: number
  log: (level: 'notice' | 'warn' | 'error', message: string) => void
  /**
   * Another process logs the errors of the files; this one logs only errors of its own, such as a file that it can't
   * read.
   */
  logsOwnOnly?: boolean
  /** Called after a reload; not at the start. */
  onChange?: (value: T, previous: T) => void
  /**
   * Called when the files were read, also at the start; files with errors don't become active. `state` is the same in
   * every process that reads the same files, and differs after each change.
   */
  onRead?: (state: string, errors: readonly Diagnostic[]) => void
  /** Time between two checks of the files. */
  pollMs?: number
  nowMs?: () => number
  monoMs?: () => number
}

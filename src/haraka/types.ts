// Types for the parts of Haraka that the plugin uses (Haraka 3.3 ships none). Nothing here imports Haraka.

import type { SkipNotes } from './never-skipped'
import type { MessageStream } from './pipe-raw'
import type { AllResults, ResultStore } from './plugin-results'

export type Next = (code?: number, message?: unknown) => void

export interface HarakaAddress {
  /** `local@domain` as the command gave it; '' is the null sender. */
  address: string
}

export interface HarakaResults extends ResultStore, AllResults {
  add(plugin: HarakaPlugin, results: Record<string, unknown>): void
}

/** A hook of a plugin that is still to run, by the name of its method. */
export type HookToRun = [plugin: { name: string }, method: string, ...unknown[]]

/** Parameters of the hook `deny`: answer, message, refusing plugin and its method, its hook's parameters, its hook. */
export type DenyParams = readonly [
  retval: number,
  message: unknown,
  plugin: string,
  method: string,
  params: unknown,
  hook: string,
]

export interface HarakaTransaction {
  uuid: string
  mail_from: HarakaAddress | null
  rcpt_to: HarakaAddress[]
  /** The number of RCPT TO commands by Haraka's answer. */
  rcpt_count?: Readonly<Record<string, number>>
  /** The header as it arrived, one string for each line; Haraka's own Received is the first field. */
  header_lines: string[]
  data_bytes: number
  /** Haraka's connection.ini at the beginning of the transaction. */
  cfg?: { headers?: { max_lines?: unknown }; max?: { data_line_length?: unknown } }
  message_stream: MessageStream
  results: HarakaResults
  /** Notes of plugins for other plugins; Haraka keeps them with mail that it queues. */
  notes: SkipNotes & Record<string, unknown>
}

export interface HarakaConnection {
  /** Null after the peer has disconnected. */
  transaction: HarakaTransaction | null
  remote: { ip: string }
  results: ResultStore & AllResults
  /** `smtp_client`: smtp_proxy's connection to its server. */
  notes: { auth_user?: unknown; smtp_client?: unknown }
  /** The peer may send to any domain. */
  relaying?: boolean
  /** Plugins that are still to run for the present hook. */
  hooks_to_run?: HookToRun[]
  /** While `deny` runs: those of the hook whose plugin has refused (plugins.js, run_hooks). */
  saved_hooks_to_run?: HookToRun[]
  respond(code: number, text: string, done: () => void): void
  reset_transaction(done: () => void): void
  /** Reads on, after the end of a mail. */
  resume(): void
}

export interface RegisteredHook {
  plugin: string
  method: string
  priority: number
  /** The number by which Haraka orders hooks of one priority. */
  order: number
}

/** Haraka's plugins.js. */
export interface HarakaPlugins {
  registered_hooks: Readonly<Record<string, RegisteredHook[] | undefined>>
}

export type HarakaLog = (...data: unknown[]) => void

export interface HarakaPlugin {
  name: string
  /** A module of the Haraka that has loaded the plugin. */
  haraka_require(name: string): unknown
  /** Seconds that Haraka gives a hook; 0: no limit. */
  timeout: number
  register_hook(hook: string, method: string, priority?: number): void
  loginfo: HarakaLog
  lognotice: HarakaLog
  logwarn: HarakaLog
  logerror: HarakaLog
}

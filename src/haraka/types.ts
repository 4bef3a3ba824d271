// Types for the parts of Haraka that the plugin uses (Haraka 3.3 ships none). Nothing here imports Haraka.

import type { MessageStream } from './pipe-raw'
import type { ResultStore } from './plugin-results'

export type Next = (code?: number, message?: string) => void

export interface HarakaAddress {
  /** `local@domain` as the command gave it; '' is the null sender. */
  address: string
}

export interface HarakaResults extends ResultStore {
  add(plugin: HarakaPlugin, results: Record<string, unknown>): void
}

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
}

export interface HarakaConnection {
  /** Null after the peer has disconnected. */
  transaction: HarakaTransaction | null
  remote: { ip: string }
  results: ResultStore
  notes: { auth_user?: unknown }
}

export type HarakaLog = (...data: unknown[]) => void

export interface HarakaPlugin {
  name: string
  register_hook(hook: string, method: string, priority?: number): void
  loginfo: HarakaLog
  lognotice: HarakaLog
  logwarn: HarakaLog
  logerror: HarakaLog
}

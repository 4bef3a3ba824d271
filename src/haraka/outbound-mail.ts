// The parts of Haraka's outbound delivery that the plugin uses (outbound/hmail.js). Nothing here imports Haraka.

import type { Readable } from 'node:stream'
import type { HarakaAddress } from './types'

/** A recipient of a delivery, with what Haraka notes about its last try. */
export interface OutboundRecipient extends HarakaAddress {
  /** The server's reply. Texts, though they look like numbers. */
  dsn_smtp_code?: unknown
  dsn_smtp_extc?: unknown
  dsn_smtp_response?: unknown
  /** Haraka's own words, where no server has replied. */
  dsn_code?: unknown
  dsn_status?: unknown
  dsn_msg?: unknown
}

/** The server that was tried. */
interface Exchange {
  using_lmtp?: unknown
}

/** The parameter of the hook `bounce`. */
export interface DeliveryError extends Error {
  mx?: Exchange | undefined
  bounced_rcpt?: OutboundRecipient[] | undefined
  deferred_rcpt?: OutboundRecipient[] | undefined
}

/** The parameter of the hook `deferred`. */
export interface Deferral {
  /** Seconds until the next try. */
  delay: number
  err: unknown
  mx?: Exchange | undefined
  fail_recips?: OutboundRecipient[] | undefined
}

/** One queued delivery: recipients at one domain, or a single one. */
export interface OutboundMail {
  todo: {
    /** The transaction's id, with the number of the delivery. */
    uuid: string
    domain: string
    mail_from: HarakaAddress
    rcpt_to: OutboundRecipient[]
    /** The transaction's notes, as they were when it was queued. */
    notes: Readonly<Record<string, unknown>>
  } | null
  file_size: number
  num_failures: number
  /** outbound.ini, read */
  cfg?: { always_split?: unknown; temp_fail_intervals?: unknown }
  /** The queued mail, with dots stuffed. */
  data_stream(): Readable
  /** Tries again later; calls the hook `bounce` where all tries are used up. */
  temp_fail(reason: string): void
  /** The running hook: plugin, method, and a function that takes its time limit away. */
  current_hook?: readonly unknown[] | null
  /** Plugins that are still to be asked. */
  hooks_to_run?: unknown[]
  /** Tries the next server. */
  try_deliver(...given: unknown[]): unknown
  /** Called with each line of the session with the server, `C: ` or `S: ` before it. */
  logprotocol(...data: unknown[]): void
}

/** For Haraka's log: the queued mail's id in front, and the plugin that speaks, not `outbound`. */
export function logId({ todo }: Pick<OutboundMail, 'todo'>): { uuid: string } {
  return { uuid: todo?.uuid ?? '-' }
}

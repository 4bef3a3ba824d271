// Where the queue's database is, and how it is reached. Plain data, made from [queue] of the settings.

import type { StatementObserver } from '../store-counts'

export interface PostgresTarget {
  host: string
  port: number
  user: string
  database: string
  /** The password itself, `file:PATH` (read for each new connection), or `aws-iam`. Undefined: the server asks for none. */
  readonly password?: string | undefined
  /** A file of certificates. Undefined: the system's. */
  ca?: string
  schema: string
  /** The most connections of this process. */
  connections: number
  /** The time for an answer of the database. */
  timeoutMs: number
  /** The time for a new connection, if its questions may take longer. Default: timeoutMs. */
  connectTimeoutMs?: number
  /** Is told of each statement. */
  readonly observer?: StatementObserver | undefined
}

/** `db.internal:5432/mail`: begins each message about it. */
export function placeOf({ host, port, database }: PostgresTarget): string {
  const name = host.includes(':') ? `[${host}]` : host
  return `${name}:${port}/${database}`
}

/** TLS is always verified, but to loopback, where the server may have none. */
export function isLoopback({ host }: Pick<PostgresTarget, 'host'>): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host)
}

/** An identifier for SQL. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

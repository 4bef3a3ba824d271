// Where the queue is, made from the settings in one place. src/queue/open.ts opens it.

import os from 'node:os'
import path from 'node:path'
import { MACHINE_NAME } from '../config/database-parsers'
import type { Settings } from '../config/settings'
import { type PostgresTarget, placeOf } from './postgres/target'
import type { StatementObserver } from './store-counts'

/** RFC 1035 section 2.3.4: of a label. */
const LONGEST_NAME = 63

/** Plain data, which a process may hand to another one. The password isn't part of it. */
export type QueuePlace = SqlitePlace | PostgresPlace

interface SqlitePlace {
  store: 'sqlite'
  /** An absolute path. */
  file: string
}

interface PostgresPlace extends Omit<PostgresTarget, 'password' | 'observer'> {
  store: 'postgres'
  migrates: 'boot' | 'by hand'
  /** The name of this host in views, metrics and history. */
  hostName: string
}

/** The place of the queue, with the password as it is set now. */
export type QueueTarget = SqlitePlace | (PostgresPlace & PostgresTarget)

export function placeFor(queue: Settings['queue'], harakaDir: string): QueuePlace {
  if (queue.store === 'sqlite') return { store: 'sqlite', file: path.resolve(harakaDir, queue.path) }
  const { store, host, port, user, database, ca, schema, connections, timeoutMs, migrates, hostName } = queue
  return {
    store,
    host,
    port,
    user,
    database,
    schema,
    connections,
    timeoutMs,
    migrates,
    ...(ca !== undefined && { ca: path.resolve(harakaDir, 'config', ca) }),
    hostName: hostName.replaceAll(MACHINE_NAME, machineName()),
  }
}

/** The machine's name, in the characters and the length that a name of a host may have. */
function machineName(): string {
  return (
    os
      .hostname()
      .replace(/[^A-Za-z0-9._-]/g, '-')
      .slice(0, LONGEST_NAME) || 'host'
  )
}

/** `password`: as it is set now. `observer`: of this process's statements to a database. */
export function targetAt(
  place: QueuePlace,
  password: () => string | undefined,
  observer?: StatementObserver,
): QueueTarget {
  if (place.store === 'sqlite') return place
  return {
    ...place,
    ...(observer && { observer }),
    get password() {
      return password()
    },
  }
}

export function targetFor(queue: Settings['queue'], harakaDir: string): QueueTarget {
  return targetAt(placeFor(queue, harakaDir), () => passwordIn(queue))
}

export function passwordIn(queue: Settings['queue']): string | undefined {
  return queue.store === 'postgres' ? queue.password : undefined
}

/** The variable with which Haraka's master tells its children, who may start when the settings are others already. */
const VARIABLE = 'SES_BOUNCE_QUEUE'

export function toEnvironment(place: QueuePlace): Record<string, string> {
  return { [VARIABLE]: JSON.stringify(place) }
}

/** Undefined: this process has no such parent. */
export function fromEnvironment(env: NodeJS.ProcessEnv): QueuePlace | undefined {
  const text = env[VARIABLE]
  return text === undefined ? undefined : (JSON.parse(text) as QueuePlace)
}

/** `db.internal:5432/mail`, or the path of the file: as messages about it begin. */
export function targetText(target: QueuePlace): string {
  return target.store === 'sqlite' ? target.file : placeOf(target)
}

// Where the queue is, made from the settings in one place. src/queue/open.ts opens it.

import path from 'node:path'
import type { Settings } from '../config/settings'
import type { PostgresTarget } from './postgres/target'

/** Plain data, which a process may hand to another one. The password isn't part of it. */
export type QueuePlace = SqlitePlace | PostgresPlace

interface SqlitePlace {
  store: 'sqlite'
  /** An absolute path. */
  file: string
}

interface PostgresPlace extends Omit<PostgresTarget, 'password'> {
  store: 'postgres'
  migrates: 'boot' | 'by hand'
  /** The name of this host in views, metrics and history. */
  hostName: string
}

/** With the password as it is set now. */
export type QueueTarget = SqlitePlace | (PostgresPlace & PostgresTarget)

export function placeFor({ path: file }: Settings['queue'], harakaDir: string): QueuePlace {
  return { store: 'sqlite', file: path.resolve(harakaDir, file) }
}

/** `password`: as it is set now. */
export function targetAt(place: QueuePlace, password: () => string | undefined): QueueTarget {
  if (place.store === 'sqlite') return place
  return {
    ...place,
    get password() {
      return password()
    },
  }
}

export function targetFor(queue: Settings['queue'], harakaDir: string): QueueTarget {
  return targetAt(placeFor(queue, harakaDir), () => undefined)
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

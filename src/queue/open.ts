// Opens the queue, in the engine that its target names. Only this file, outside the engines' folders, knows the engines.
// A store on another machine may take its time: callers await each answer.

import { QueueError } from '../errors'
import type { MonoMs } from '../units'
import type { CounterStore } from './counters'
import type { DatabaseFacts } from './database-facts'
import type { HostRegister } from './hosts'
import type { MailLedger } from './mail-ledger'
import type { OperatorQueue, QueueReader } from './operator'
import type { MoveReport } from './postgres/move'
import * as sqlite from './sqlite/open'
import type { DispatcherQueue, Eventually, WorkerQueue } from './store'
import type { QueueTarget } from './target'

/** `home`: the folder of the mail on disk. */
export interface HomeOption {
  home: string
}

/**
 * Makes the queue where there is none, and brings it to the version of this program. `owner`: root makes SQLite's file as
 * this user. Before anything else is opened. @throws QueueError
 */
export function prepareQueue(target: QueueTarget, owner?: { uid?: number; gid?: number }): Eventually<void> {
  if (target.store === 'postgres') return preparePostgres(target)
  if (owner === undefined) sqlite.makeQueueFile(target.file)
  else sqlite.makeQueueFileAs(owner, target.file)
}

async function preparePostgres(target: Extract<QueueTarget, { store: 'postgres' }>): Promise<void> {
  await postgres.prepare().prepareSchema(target, { migrates: target.migrates === 'boot' })
}

/** For the process that serves SMTP. @throws QueueError */
export function openWorkerQueue(target: QueueTarget, options: HomeOption): Eventually<WorkerQueue> {
  if (target.store === 'postgres') return postgres.worker().openWorkerQueue(target, options)
  return sqlite.openWorkerQueue(target.file, options)
}

/** `isInSmtpProcess`: a wait for other writers would delay mail, and is short. @throws QueueError */
export function openOperatorQueue(
  target: QueueTarget,
  { home, isInSmtpProcess = false }: HomeOption & { isInSmtpProcess?: boolean },
): Eventually<OperatorQueue> {
  if (target.store === 'postgres')
    return postgres.views().openOperatorQueue(target, { home, isInSmtpProcess })
  return sqlite.openOperatorQueue(target.file, { home, ...(isInSmtpProcess && { busyMs: sqlite.BUSY_MS }) })
}

/** `untouched`: changes and makes nothing. For a single reading: later changes may not be seen. @throws QueueError */
export function openQueueReader(
  target: QueueTarget,
  options: Partial<HomeOption> & { untouched?: true } = {},
): Eventually<QueueReader> {
  if (target.store === 'postgres') return postgres.views().openQueueReader(target, options)
  return sqlite.openQueueReader(target.file, options)
}

/** @throws QueueError */
export function openDispatcherQueue(target: QueueTarget): Eventually<DispatcherQueue> {
  if (target.store === 'postgres') return postgres.dispatcher().openDispatcherQueue(target)
  return sqlite.openDispatcherQueue(target.file)
}

/** @throws QueueError */
export function openMailLedger(target: QueueTarget, { home }: HomeOption): Eventually<MailLedger> {
  if (target.store === 'postgres') return postgres.ledger().openMailLedger(target, { home })
  return sqlite.openMailLedger(target.file, home)
}

/** @throws QueueError */
export function openCounterStore(target: QueueTarget): Eventually<CounterStore> {
  if (target.store === 'postgres') return postgres.views().openCounterStore(target)
  return sqlite.openCounterStore(target.file)
}

/** Undefined: the queue is of this host alone. @throws QueueError */
export function openHostRegister(target: QueueTarget): Eventually<HostRegister | undefined> {
  if (target.store === 'sqlite') return undefined
  return postgres.views().openHostRegister(target)
}

/** Moves the contents of a queue file into another queue. `monoMs`: the machine's clock. @throws QueueError */
export async function moveQueueFile(
  file: string,
  target: QueueTarget,
  watching: { monoMs: () => MonoMs; told: (jobs: number, all: number) => void },
): Promise<MoveReport> {
  if (target.store === 'sqlite')
    throw new QueueError(
      'QUEUE_OTHER',
      `a queue file is moved into PostgreSQL only: set [queue] store = postgres`,
    )
  const contents = sqlite.openContents(file)
  try {
    return await postgres.move().moveInto(target, file, contents, watching)
  } finally {
    contents.close()
  }
}

/** The facts of the database; undefined: the queue is a file. @throws QueueError */
export async function examineDatabase(target: QueueTarget): Promise<DatabaseFacts | undefined> {
  if (target.store === 'sqlite') return undefined
  return postgres.examine().examineDatabase(target)
}

/** Loaded only where the queue is in PostgreSQL, and each part where it is used. */
const postgres = {
  prepare: () => require('./postgres/prepare') as typeof import('./postgres/prepare'),
  worker: () => require('./postgres/worker-queue') as typeof import('./postgres/worker-queue'),
  dispatcher: () => require('./postgres/dispatcher-queue') as typeof import('./postgres/dispatcher-queue'),
  ledger: () => require('./postgres/mail-ledger') as typeof import('./postgres/mail-ledger'),
  views: () => require('./postgres/open') as typeof import('./postgres/open'),
  examine: () => require('./postgres/examine') as typeof import('./postgres/examine'),
  move: () => require('./postgres/move') as typeof import('./postgres/move'),
}

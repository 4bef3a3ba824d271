// A store of an engine, for a test.

import type { CounterStore } from '../../src/queue/counters'
import type { JobState } from '../../src/queue/job'
import type { MailLedger } from '../../src/queue/mail-ledger'
import type { OperatorQueue, QueueReader } from '../../src/queue/operator'
import type { DispatcherQueue, Eventually, WorkerQueue } from '../../src/queue/store'

/** The Haraka directory that workers, operators and readers belong to. */
export const HOME = '/home'

/** A store that is empty at first. What it opens is as a process of its own has it. */
export interface Store {
  worker(): Promise<WorkerQueue>
  dispatcher(): Promise<DispatcherQueue>
  operator(): Promise<OperatorQueue>
  reader(): Promise<QueueReader>
  counters(): Promise<CounterStore>
  /** `home`: of a Haraka directory. */
  ledger(home: string): Promise<MailLedger>
  /** Jobs in this order, whatever the queue would say to them. */
  put(jobs: readonly PlainJob[]): Promise<void>
  /** Deletes the job, as if it had been forgotten. */
  drop(id: string): Promise<void>
  /** In place of all jobs: queued ones with these deadlines, of times that don't matter. */
  fill(region: string, deadlines: readonly number[]): Promise<void>
  /** All that was opened is closed, and the store is gone. */
  remove(): Promise<void>
}

/** A job of one recipient, with times that don't matter. */
export interface PlainJob {
  id: string
  state: JobState
  region: string
  sesId: string
  sender: string
  senderKey: string
  recipient: string
  rule: string
}

/** Changes of the rows that a test makes without the queue. */
export type Rows = {
  [K in 'fill' | 'put' | 'drop']: (...asked: Parameters<Store[K]>) => Eventually<void>
}

/** How an engine opens each; it may answer later. */
export type Opens = {
  [K in Exclude<keyof Store, keyof Rows | 'remove'>]: (
    ...asked: Parameters<Store[K]>
  ) => Eventually<Awaited<ReturnType<Store[K]>>>
}

/** Closes what is left open when the store is removed. */
export function storeOf(opens: Opens, rows: Rows, remove: () => Eventually<void>): Store {
  const opened = new Set<{ close(): Eventually<void> }>()
  const noted =
    <A extends unknown[], T extends { close(): Eventually<void> }>(open: (...asked: A) => Eventually<T>) =>
    async (...asked: A): Promise<T> => {
      const one = await open(...asked)
      opened.add(one)
      return one
    }
  return {
    worker: noted(opens.worker),
    dispatcher: noted(opens.dispatcher),
    operator: noted(opens.operator),
    reader: noted(opens.reader),
    counters: noted(opens.counters),
    ledger: noted(opens.ledger),
    fill: async (region, deadlines) => rows.fill(region, deadlines),
    put: async jobs => rows.put(jobs),
    drop: async id => rows.drop(id),
    remove: async () => {
      for (const one of opened) await one.close()
      await remove()
    },
  }
}

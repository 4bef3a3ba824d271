// A store of an engine, for a test.

import type { CounterStore } from '../../src/queue/counters'
import type { MailLedger } from '../../src/queue/mail-ledger'
import type { OperatorQueue, QueueReader } from '../../src/queue/operator'
import type { DispatcherQueue, Eventually, WorkerQueue } from '../../src/queue/store'

/** Of the Haraka directory that workers, operators and readers belong to. */
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
  /** In place of all jobs: queued ones with these deadlines, of times that don't matter. */
  fill(region: string, deadlines: readonly number[]): Promise<void>
  /** All that was opened is closed, and the store is gone. */
  remove(): Promise<void>
}

/** How an engine opens each; it may answer later. */
export type Opens = {
  [K in Exclude<keyof Store, 'fill' | 'remove'>]: (
    ...asked: Parameters<Store[K]>
  ) => Eventually<Awaited<ReturnType<Store[K]>>>
}

/** Closes what is left open when the store is removed. */
export function storeOf(
  opens: Opens,
  fill: (...asked: Parameters<Store['fill']>) => Eventually<void>,
  remove: () => Eventually<void>,
): Store {
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
    fill: async (region, deadlines) => fill(region, deadlines),
    remove: async () => {
      for (const one of opened) await one.close()
      await remove()
    },
  }
}

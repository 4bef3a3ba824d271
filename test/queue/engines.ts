// The engines of the queue. What a queue promises is tested with each of them: one more is a line here.

import path from 'node:path'
import type { CounterStore } from '../../src/queue/counters'
import type { MailLedger } from '../../src/queue/mail-ledger'
import type { OperatorQueue, QueueReader } from '../../src/queue/operator'
import { Database } from '../../src/queue/sqlite/database'
import * as sqlite from '../../src/queue/sqlite/open'
import type { DispatcherQueue, Eventually, WorkerQueue } from '../../src/queue/store'
import { temporaryFolder } from './support'

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

export interface Engine {
  name: string
  makeStore: () => Promise<Store>
}

export const SQLITE: Engine = { name: 'SQLite', makeStore: sqliteStore }

export const ENGINES: readonly Engine[] = [SQLITE]

/** Its tests, once for each engine. `title`: what is tested, to which `in SQLite` and the like are added. */
export function forEachEngine(title: string, suite: (makeStore: () => Promise<Store>) => void): void {
  for (const { name, makeStore } of ENGINES) describe(`${title} in ${name}`, () => suite(makeStore))
}

async function sqliteStore(): Promise<Store> {
  const { folder, remove } = temporaryFolder()
  const file = path.join(folder, 'deep', 'queue.sqlite')
  sqlite.openWorkerQueue(file, { create: true }).close()
  return storeOf(
    {
      worker: () => sqlite.openWorkerQueue(file),
      dispatcher: () => sqlite.openDispatcherQueue(file),
      operator: () => sqlite.openOperatorQueue(file),
      reader: () => sqlite.openQueueReader(file),
      counters: () => sqlite.openCounterStore(file),
      ledger: home => sqlite.openMailLedger(file, home),
    },
    (region, deadlines) => fillFile(file, region, deadlines),
    remove,
  )
}

function fillFile(file: string, region: string, deadlines: readonly number[]): void {
  const database = new Database(file, { busyMs: 0, create: false })
  database.write(() => {
    database.run('DELETE FROM job')
    database.run('INSERT OR IGNORE INTO region (name) VALUES (?)', region)
    database.run(
      `INSERT INTO job (id, state, region, ses_id, sender, bounce_sender, reporting_mta, received_ms, deadline_ms,
         created_ms, changed_ms)
       SELECT 'job' || key, 'queued', ?, 'mail' || key, 's@origin.example', 'b@yours.example', 'dns; mx', 0, value, 0, 0
       FROM json_each(?)`,
      region,
      JSON.stringify(deadlines),
    )
  })
  database.close()
}

type Opens = {
  [K in Exclude<keyof Store, 'fill' | 'remove'>]: (
    ...asked: Parameters<Store[K]>
  ) => Eventually<Awaited<ReturnType<Store[K]>>>
}

/** Closes what is left open when the store is removed. */
function storeOf(
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

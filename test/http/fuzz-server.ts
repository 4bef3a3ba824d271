// The server process of the fuzz test: all routes over a real queue file, and what it holds when nobody asks anything.
// Ends with the process that started it. Run with --expose-gc.

import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { Database } from '../../src/queue/sqlite/database'
import { until } from '../live/support/wait'
import { startApi } from './api-support'

export interface Held {
  /** The size of JavaScript's heap, after a collection. */
  heapBytes: number
  /** Open files, sockets and pipes. Linux only; else 0. */
  files: number
  /** Timers, sockets and whatever else keeps a process alive. */
  resources: string[]
  /** Answers that are kept for those who ask again with a key. */
  answers: number
  /** Faults that the log has. */
  errors: string[]
}

async function main(): Promise<void> {
  const api = await startApi('[limit]\nper_sender =\n')
  const database = new Database(api.file, { busyMs: 1000, create: false })
  const connections = () =>
    new Promise<number>((resolve, reject) =>
      api.server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
    )
  process.on('message', () => {
    const measured = async (): Promise<Held> => {
      await until(async () => (await connections()) === 0, { what: 'the end of all connections' })
      const errors = api.log.filter(line => line.startsWith('error'))
      // what the test's own support keeps is no growth of the product
      for (const list of [api.log, api.submitted]) list.length = 0
      for (let n = 0; n < 3; n++) {
        await turn()
        globalThis.gc?.()
      }
      const { heapUsed, external } = process.memoryUsage()
      return {
        heapBytes: heapUsed + external,
        files: process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0,
        resources: process.getActiveResourcesInfo().toSorted(),
        answers: Number(database.get('SELECT COUNT(*) AS n FROM answer')?.['n']),
        errors,
      }
    }
    measured().then(
      held => process.send?.(held),
      (error: unknown) => process.send?.({ errors: [String(error)] }),
    )
  })
  process.once('disconnect', () => {
    database.close()
    api.close().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  })
  assert.ok(globalThis.gc, 'node --expose-gc')
  process.send?.({ url: api.url })
}

void main()

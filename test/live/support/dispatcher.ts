// The dispatcher's process, held still for as long as a test wants jobs to stay where they are.

import { Database } from '../../../src/queue/sqlite/database'
import type { RunningHaraka } from './haraka'
import type { Product } from './product'
import { until } from './wait'

/** Linux only. */
export function dispatcherPid({ haraka }: Product): Promise<number> {
  return until(() => findDispatcher(haraka), { what: 'the dispatcher' })
}

/** Until the answer is called; whatever is queued meanwhile stays queued. It is stopped where it holds no lock. */
export async function holdDispatcher(product: Product): Promise<() => void> {
  const { haraka, queueFile } = product
  const pid = await dispatcherPid(product)
  await until(
    () => {
      haraka.kill(pid, 'SIGSTOP')
      if (canWrite(queueFile)) return true
      haraka.kill(pid, 'SIGCONT')
      return false
    },
    { what: 'a dispatcher that holds no lock' },
  )
  return () => haraka.kill(pid, 'SIGCONT')
}

function findDispatcher(haraka: RunningHaraka): number | undefined {
  return haraka.family().find(({ cmdline }) => cmdline.includes('/dispatch/main.js'))?.pid
}

function canWrite(queueFile: string): boolean {
  const database = new Database(queueFile, { busyMs: 100, create: false })
  try {
    database.write(() => undefined)
    return true
  } catch {
    return false
  } finally {
    database.close()
  }
}

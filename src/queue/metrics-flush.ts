// Flushes a process's counts to the shared store, every few seconds and at the process's end.
// Never throws nor rejects. If the store can't be written it tries again, and logs a lasting fault once.

import { errorMessage } from '../errors'
import type { Counted, CounterStore } from './counters'
import type { MetricsBuffer } from './metrics-buffer'
import type { Eventually } from './store'

/** The time whose counts a killed process may lose. */
export const EVERY_MS = 3000
/** Failed flushes before a fault is logged. */
const PATIENCE = 20

export interface MetricsFlushOptions {
  metricsBuffer: MetricsBuffer
  /** Called at the first flush, and again after a fault. */
  open: () => Eventually<CounterStore>
  /** Whether there is a store. Until then counts wait. */
  when?: () => boolean
  log: (level: 'warn' | 'notice', message: string) => void
  everyMs?: number
}

export interface MetricsFlush {
  /** Flushes now, if there are counts. A store that answers at once has them when it returns. */
  flush(): Eventually<void>
  /** Flushes for the last time. */
  close(): Eventually<void>
}

/** Its timer doesn't keep the process alive. */
export function startMetricsFlush(options: MetricsFlushOptions): MetricsFlush {
  const { metricsBuffer, open, when = () => true, log, everyMs = EVERY_MS } = options
  let store: CounterStore | undefined
  let faults = 0
  let underWay: Promise<void> | undefined
  const forget = () => {
    const closed = quietly(() => store?.close())
    store = undefined
    return closed
  }
  const add = (counted: Counted): Eventually<void> => {
    if (store !== undefined) return store.add(counted)
    const opened = open()
    const use = (found: CounterStore) => {
      store = found
      return found.add(counted)
    }
    return opened instanceof Promise ? opened.then(use) : use(opened)
  }
  const succeeded = () => {
    if (faults >= PATIENCE) log('notice', 'counts for the metrics are written again')
    faults = 0
  }
  const failed = (error: unknown) => {
    // such a handle stays as it is when the file is put right
    void forget()
    faults += 1
    if (faults === PATIENCE) {
      const why = errorMessage(error)
      log('warn', `counts for the metrics can't be written, and wait in memory: ${why}`)
    }
  }
  const flush = (): Eventually<void> => {
    if (underWay !== undefined) return underWay
    if (metricsBuffer.isEmpty() || !when()) return
    try {
      const flushed = metricsBuffer.flushTo(add)
      if (flushed === undefined) return succeeded()
      underWay = flushed.then(succeeded, failed).finally(() => {
        underWay = undefined
      })
      return underWay
    } catch (error) {
      failed(error)
    }
  }
  const timer = setInterval(() => void flush(), everyMs)
  timer.unref()
  return {
    flush,
    close() {
      clearInterval(timer)
      const flushed = flush()
      if (flushed === undefined) return forget()
      // it may have begun before the last counts came
      return flushed.then(flush).then(forget)
    },
  }
}

/** A handle that can't be closed isn't used again either. */
function quietly(close: () => Eventually<void>): Eventually<void> {
  try {
    const closed = close()
    return closed instanceof Promise ? closed.catch(() => undefined) : closed
  } catch {
    return
  }
}

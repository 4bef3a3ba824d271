// Flushes a process's counts to the shared store, every few seconds and at the process's end.
// Never throws. If the store can't be written it tries again, and logs a lasting fault once.

import { errorMessage } from '../errors'
import type { CounterStore } from './counters'
import type { MetricsBuffer } from './metrics-buffer'

/** The time whose counts a killed process may lose. */
export const EVERY_MS = 3000
/** Failed flushes before a fault is logged. */
const PATIENCE = 20

export interface MetricsFlushOptions {
  metricsBuffer: MetricsBuffer
  /** Called at the first flush, and again after a fault. */
  open: () => CounterStore
  /** Whether there is a store. Until then counts wait. */
  when?: () => boolean
  log: (level: 'warn' | 'notice', message: string) => void
  everyMs?: number
}

export interface MetricsFlush {
  /** Flushes now, if there are counts. */
  flush(): void
  /** Flushes for the last time. */
  close(): void
}

/** Its timer doesn't keep the process alive. */
export function startMetricsFlush(options: MetricsFlushOptions): MetricsFlush {
  const { metricsBuffer, open, when = () => true, log, everyMs = EVERY_MS } = options
  let store: CounterStore | undefined
  let faults = 0
  const forget = () => {
    try {
      store?.close()
    } catch {
      // a handle that can't be closed isn't used again either
    }
    store = undefined
  }
  const flush = () => {
    if (metricsBuffer.isEmpty() || !when()) return
    try {
      metricsBuffer.flushTo(counted => {
        store ??= open()
        store.add(counted)
      })
      if (faults >= PATIENCE) log('notice', 'counts for the metrics are written again')
      faults = 0
    } catch (error) {
      // such a handle stays as it is when the file is put right
      forget()
      faults += 1
      if (faults === PATIENCE) {
        const why = errorMessage(error)
        log('warn', `counts for the metrics can't be written, and wait in memory: ${why}`)
      }
    }
  }
  const timer = setInterval(flush, everyMs)
  timer.unref()
  return {
    flush,
    close() {
      clearInterval(timer)
      flush()
      forget()
    },
  }
}

// Hands over what a process has counted to the shared store, every few seconds and at the process's end.
// Never throws. A store that can't be written is tried again; the log hears of it once, when that lasts.

import { errorMessage } from '../errors'
import type { CounterStore } from './counters'
import type { MetricsBuffer } from './metrics-buffer'

/** What a killed process loses at most. */
export const EVERY_MS = 3000
/** Counts that are late concern nobody; those that never come do. */
const PATIENCE = 20

export interface MetricsFlushOptions {
  metricsBuffer: MetricsBuffer
  /** Opened at the first need, and anew after a fault. */
  open: () => CounterStore
  /** Whether there is a store at all; what is counted before waits. */
  when?: () => boolean
  log: (level: 'warn' | 'notice', message: string) => void
  everyMs?: number
}

export interface MetricsFlush {
  /** Now, if there is something. */
  flush(): void
  /** For the last time. */
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
      metricsBuffer.handOver(counted => {
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

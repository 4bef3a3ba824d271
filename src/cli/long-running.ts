// For commands that run until they are stopped: their log, and the signals that stop them.

import { jsonText } from '../json'
import type { Out } from './out'

export type LongRunningLog = (level: 'info' | 'notice' | 'warn' | 'error', message: string) => void

/** A line for each message; with `json` each is an object. */
export function logTo(out: Out, json: boolean): LongRunningLog {
  return (level, message) => {
    const at = new Date().toISOString()
    out.line(json ? jsonText({ at, level, message }) : `${at} [${level.toUpperCase()}] ${message}`)
  }
}

/** Aborted by the first signal; a second one ends the process at once. `finished`: work that ends after the first. */
export function stoppedBySignals(log: LongRunningLog, finished: string): AbortSignal {
  const stop = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      // as process 1 of a container it would survive a second signal without a listener
      if (stop.signal.aborted) process.exit(1)
      log('notice', `${signal}: ${finished} is finished; a second signal ends it at once`)
      stop.abort()
    })
  return stop.signal
}

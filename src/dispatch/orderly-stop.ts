// A container ends with its process 1. Haraka as process 1 exits at once at SIGTERM and SIGINT, and the kernel kills the
// dispatcher with it: a call to SES is cut, and made again after the next start. So in process 1 the signal's other
// listeners wait until the dispatcher has ended.

import type { Log } from './region-sender'

/** The signals at which Haraka exits as process 1 (its haraka.js). */
const SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT']

export interface StopFirst {
  /** Resolves when the dispatcher has ended. Must not reject. */
  stop: () => Promise<void>
  /** The longest wait. Called when the signal comes. */
  limitMs: () => number
  log: Log
}

/** A second signal ends the process at once. The returned function gives the signals back to the other listeners. */
export function stopBeforeOthers({ stop, limitMs, log }: StopFirst): () => void {
  // raw: a listener that was added with once() stays one
  const others = new Map(SIGNALS.map(signal => [signal, process.rawListeners(signal)]))
  let isStopping = false
  let isGivenBack = false

  for (const [signal, listeners] of others) {
    process.on(signal, onSignal)
    for (const listener of listeners) process.off(signal, listener as NodeJS.SignalsListener)
  }
  return giveBack

  function onSignal(signal: NodeJS.Signals, code: number): void {
    if (isStopping) process.exit(1)
    isStopping = true
    const waitMs = limitMs()
    const wait = `finishes the call in progress, for at most ${waitMs / 1000} s`
    log('notice', `${signal}: the dispatcher ${wait}; a second signal ends all at once`)
    let timer: NodeJS.Timeout | undefined
    const limit = new Promise<void>(resolve => {
      timer = setTimeout(resolve, waitMs)
    })
    void Promise.race([stop(), limit]).then(() => {
      clearTimeout(timer)
      giveBack()
      // Haraka's is among them; an error that one of them throws is uncaught, as if the signal had come now
      setImmediate(() => others.get(signal)?.forEach(listener => listener(signal, code)))
    })
  }

  function giveBack(): void {
    if (isGivenBack) return
    isGivenBack = true
    for (const [signal, listeners] of others) {
      for (const listener of listeners) process.on(signal, listener as NodeJS.SignalsListener)
      process.off(signal, onSignal)
    }
  }
}

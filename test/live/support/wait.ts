// Waiting for what tells nobody when it happens: files and processes.
// A wait that ends in vain says what it waited for.

import { setTimeout as pause } from 'node:timers/promises'

/** Only what never comes takes so long: a busy machine isn't a failure. */
export const PATIENCE_MS = 60_000

export interface WaitOptions {
  /** The object of the wait, as the end of `waited N ms for`. */
  what: string
  timeoutMs?: number
  /** Between two questions. Default: little at first, then more and more, as each may cost much. */
  everyMs?: number
}

const FIRST_PAUSE_MS = 5
const LONGEST_PAUSE_MS = 50

/**
 * Asks until the answer is neither undefined, null nor false, and returns it. Whatever `check` throws ends the wait.
 * Rejects with `what` after timeoutMs (default PATIENCE_MS).
 */
export async function until<T>(
  check: () => T | undefined | null | false | Promise<T | undefined | null | false>,
  { what, timeoutMs = PATIENCE_MS, everyMs }: WaitOptions,
): Promise<T> {
  const endMs = performance.now() + timeoutMs
  let pauseMs = everyMs ?? FIRST_PAUSE_MS
  while (true) {
    const answer = await check()
    if (answer !== undefined && answer !== null && answer !== false) return answer
    if (performance.now() >= endMs) throw new Error(`waited ${timeoutMs} ms for ${what}`)
    await pause(pauseMs)
    if (everyMs === undefined) pauseMs = Math.min(pauseMs * 1.3, LONGEST_PAUSE_MS)
  }
}

// Tells the log when relays seem to rewrite recipients, as long as the dispatcher's process lives.
// Never rejects: a queue file that can't be read is others' to report.

import type { RelayRecipients } from '../config/settings'
import { type RelaySigns, relayWarning } from '../queue/relay-signs'
import type { Clock } from './clock'
import type { Log } from './region-sender'

/** Two look-ups in the queue file. */
const EVERY_MS = 2000
const SAID_EVERY_MS = 86_400_000

export interface RelayWatchParts {
  signs: (nowMs: number) => RelaySigns
  recipients: () => RelayRecipients
  clock: Clock
  log: Log
  stop: AbortSignal
}

/** Once a day while it lasts. */
export async function watchRelays({ signs, recipients, clock, log, stop }: RelayWatchParts): Promise<void> {
  let saidMs = Number.NEGATIVE_INFINITY
  while (!stop.aborted) {
    if (recipients() === 'auto' && clock.monoMs() - saidMs >= SAID_EVERY_MS) {
      const warning = warningOf(() => signs(clock.nowMs()))
      if (warning !== undefined) {
        log('warn', warning)
        saidMs = clock.monoMs()
      }
    }
    await clock.waitUntil(clock.monoMs() + EVERY_MS, stop)
  }
}

function warningOf(signs: () => RelaySigns): string | undefined {
  try {
    return relayWarning(signs())
  } catch {
    return undefined
  }
}

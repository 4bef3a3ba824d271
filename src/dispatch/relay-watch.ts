// Warns in the log when relays seem to rewrite recipients. Never rejects: other code reports an unreadable queue file.

import type { RelayRecipients } from '../config/settings'
import { type RelaySigns, relayWarning } from '../queue/relay-signs'
import type { Eventually } from '../queue/store'
import type { EpochMs } from '../units'
import type { Clock } from './clock'
import type { Log } from './region-sender'

/** Time between two checks, each of two queries. */
const EVERY_MS = 2000
const SAID_EVERY_MS = 86_400_000

export interface RelayWatchParts {
  signs: (nowMs: EpochMs) => Eventually<RelaySigns>
  recipients: () => RelayRecipients
  clock: Clock
  log: Log
  stop: AbortSignal
}

/** Warns once a day while the signs last. */
export async function watchRelays({ signs, recipients, clock, log, stop }: RelayWatchParts): Promise<void> {
  let saidMs = Number.NEGATIVE_INFINITY
  while (!stop.aborted) {
    if (recipients() === 'auto' && clock.monoMs() - saidMs >= SAID_EVERY_MS) {
      const warning = await warningOf(() => signs(clock.nowMs()))
      if (warning !== undefined) {
        log('warn', warning)
        saidMs = clock.monoMs()
      }
    }
    await clock.waitUntil(clock.monoMs() + EVERY_MS, stop)
  }
}

async function warningOf(signs: () => Eventually<RelaySigns>): Promise<string | undefined> {
  try {
    return relayWarning(await signs())
  } catch {
    return undefined
  }
}

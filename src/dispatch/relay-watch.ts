// Warns in the log when relays seem to rewrite recipients, or ask for no bounces. Never rejects: other code reports an
// unreadable queue file.

import type { RelayRecipients } from '../config/settings'
import { type RelaySigns, relayWarnings } from '../queue/relay-signs'
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
    if (clock.monoMs() - saidMs >= SAID_EVERY_MS) {
      const warnings = await warningsOf(() => signs(clock.nowMs()), recipients())
      for (const warning of warnings) log('warn', warning)
      if (warnings.length > 0) saidMs = clock.monoMs()
    }
    await clock.waitUntil(clock.monoMs() + EVERY_MS, stop)
  }
}

async function warningsOf(
  signs: () => Eventually<RelaySigns>,
  recipients: RelayRecipients,
): Promise<string[]> {
  try {
    return relayWarnings(await signs(), recipients)
  } catch {
    return []
  }
}

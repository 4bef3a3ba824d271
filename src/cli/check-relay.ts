// Checks the queue on disk for signs that relays rewrite recipients, or ask for no bounces. Changes nothing.
// Never throws: without a readable queue there is no warning.

import { statSync } from 'node:fs'
import type { Diagnostic } from '../config/diagnostics'
import { SETTINGS_FILE } from '../config/load'
import type { Settings } from '../config/settings'
import { openQueueReader } from '../queue/open'
import { relayWarnings } from '../queue/relay-signs'
import { type QueueTarget, targetFor } from '../queue/target'
import type { EpochMs } from '../units'

export async function relayFindings(
  dir: string,
  { relay, queue }: Settings,
  nowMs: EpochMs,
): Promise<Diagnostic[]> {
  const messages = await warningsOf(targetFor(queue, dir), relay.recipients, nowMs)
  return messages.map(message => ({
    severity: 'warning',
    file: SETTINGS_FILE,
    line: 0,
    section: 'relay',
    message,
  }))
}

async function warningsOf(
  target: QueueTarget,
  recipients: Settings['relay']['recipients'],
  nowMs: EpochMs,
): Promise<string[]> {
  // `check` without --online asks nothing of the network
  if (target.store !== 'sqlite') return []
  try {
    if (!statSync(target.file).isFile()) return []
    const reader = await openQueueReader(target, { untouched: true })
    try {
      return relayWarnings(await reader.relaySigns(nowMs), recipients)
    } finally {
      await reader.close()
    }
  } catch {
    return []
  }
}

// Checks the queue on disk for signs that relays rewrite recipients. Changes nothing.
// Never throws: without a readable queue there is no warning.

import { statSync } from 'node:fs'
import type { Diagnostic } from '../config/diagnostics'
import { SETTINGS_FILE } from '../config/load'
import type { Settings } from '../config/settings'
import { openQueueReader } from '../queue/open'
import { relayWarning } from '../queue/relay-signs'
import { type QueueTarget, targetFor } from '../queue/target'
import type { EpochMs } from '../units'

export async function relayFindings(
  dir: string,
  { relay, queue }: Settings,
  nowMs: EpochMs,
): Promise<Diagnostic[]> {
  if (relay.recipients !== 'auto') return []
  const message = await warningOf(targetFor(queue, dir), nowMs)
  if (message === undefined) return []
  return [{ severity: 'warning', file: SETTINGS_FILE, line: 0, section: 'relay', message }]
}

async function warningOf(target: QueueTarget, nowMs: EpochMs): Promise<string | undefined> {
  // `check` without --online asks nothing of the network
  if (target.store !== 'sqlite') return undefined
  try {
    if (!statSync(target.file).isFile()) return undefined
    const reader = await openQueueReader(target, { untouched: true })
    try {
      return relayWarning(await reader.relaySigns(nowMs))
    } finally {
      await reader.close()
    }
  } catch {
    return undefined
  }
}

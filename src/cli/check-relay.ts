// Checks the queue on disk for signs that relays rewrite recipients. Changes nothing.
// Never throws: without a readable queue there is no warning.

import { statSync } from 'node:fs'
import path from 'node:path'
import type { Diagnostic } from '../config/diagnostics'
import { SETTINGS_FILE } from '../config/load'
import type { Settings } from '../config/settings'
import { openQueueReader } from '../queue/open'
import { relayWarning } from '../queue/relay-signs'
import type { EpochMs } from '../units'

export function relayFindings(dir: string, { relay, queue }: Settings, nowMs: EpochMs): Diagnostic[] {
  if (relay.recipients !== 'auto') return []
  const message = warningOf(path.resolve(dir, queue.path), nowMs)
  if (message === undefined) return []
  return [{ severity: 'warning', file: SETTINGS_FILE, line: 0, section: 'relay', message }]
}

function warningOf(queueFile: string, nowMs: EpochMs): string | undefined {
  try {
    if (!statSync(queueFile).isFile()) return undefined
    const reader = openQueueReader(queueFile, { untouched: true })
    try {
      return relayWarning(reader.relaySigns(nowMs))
    } finally {
      reader.close()
    }
  } catch {
    return undefined
  }
}

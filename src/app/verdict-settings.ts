// The part of the configuration that counts for the verdict, and the verdict as data for programs. Pure.

import type { Settings } from '../config/settings'
import type { Verdict } from '../queue/verdict'
import type { VerdictSettings } from '../queue/verdict-reasons'
import type { EpochMs } from '../units'
import { paceOf } from './operator-actions'

export function verdictSettings(settings: Settings): VerdictSettings {
  const { relay, main, ses } = settings
  return {
    isIdle: relay.trusted.length === 0 && relay.authUsers.length === 0,
    isObserving: main.mode === 'observe',
    endpoint: endpointKind(ses.endpoint),
    spacingMs: paceOf(settings).spacingMs,
  }
}

/** RFC 6761 section 6.3, RFC 1122 section 3.2.1.3 */
const LOOPBACK = /^(?:127\.[\d.]+|\[::1\]|(?:.+\.)?localhost)$/

function endpointKind(endpoint: string): VerdictSettings['endpoint'] {
  if (endpoint === 'local') return 'emulator'
  const tried = endpoint.replaceAll('{region}', 'us-east-1')
  return URL.canParse(tried) && LOOPBACK.test(new URL(tried).hostname) ? 'other' : 'aws'
}

/** For everyone: it has nothing private. */
export function verdictData(
  { line, state, isSending, reasons, lanes }: Verdict,
  nowMs: EpochMs,
): Record<string, unknown> {
  const iso = (ms: EpochMs) => new Date(ms).toISOString()
  return {
    verdict: line,
    state,
    isSending,
    at: iso(nowMs),
    reasons: reasons.map(({ kind, level, stops, lane, sinceMs, nextTryMs, text }) => ({
      kind,
      level,
      ...(lane !== undefined && { lane }),
      stops,
      text,
      ...(sinceMs !== undefined && { since: iso(sinceMs) }),
      ...(nextTryMs !== undefined && { nextTry: iso(nextTryMs) }),
    })),
    lanes,
  }
}

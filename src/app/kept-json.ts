// A mail in the quarantine as data for programs, the same in the API and on the command line; its names are for `snakeKeys`.
// Pure.

import type { Kept } from '../quarantine/kept'

export function keptJson(kept: Kept, subject: string | undefined): Record<string, unknown> {
  const { id, location, sizeBytes, record } = kept
  return {
    id,
    file: location,
    sizeBytes,
    ...(subject !== undefined && { subject }),
    ...(record ?? { quarantinedAt: new Date(kept.keptAtMs).toISOString() }),
  }
}

// Reads and writes durations, sizes and numbers: `500ms 10s 5m 24h 7d`, `10kb 10mb`.
// Text that can't be read gives undefined.

const DURATION_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const SIZE_BYTES: Record<string, number> = { '': 1, b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 }

export const DURATION_FORM = 'a number and a unit: 500ms, 10s, 5m, 24h, 7d'
export const SIZE_FORM = 'a number and a unit: 500b, 10kb, 10mb'

/** Milliseconds. */
export function parseDurationMs(text: string): number | undefined {
  return withUnit(text, DURATION_MS)
}

/** Bytes; units are powers of 1024. */
export function parseSizeBytes(text: string): number | undefined {
  return withUnit(text, SIZE_BYTES)
}

export function parseCount(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

/** Negative numbers and decimals too, for scores. */
export function parseNumber(text: string): number | undefined {
  return /^-?\d{1,15}(?:\.\d{1,6})?$/.test(text) ? Number(text) : undefined
}

function withUnit(text: string, units: Record<string, number>): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,6})?)\s*([a-z]*)$/i.exec(text)
  const unit = match?.[2]?.toLowerCase() ?? ''
  return match && Object.hasOwn(units, unit) ? Number(match[1]) * (units[unit] ?? 1) : undefined
}

/** Bytes for people: `512 bytes`, `1.5 MB`. */
export function formatSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`
  const power = bytes < 1024 ** 2 ? 1 : bytes < 1024 ** 3 ? 2 : 3
  const unit = ['kB', 'MB', 'GB'][power - 1]
  const size = bytes / 1024 ** power
  return `${size.toFixed(size < 10 ? 1 : 0)} ${unit}`
}

/** Milliseconds for people: `24h`, `1m`, `1.5s`. */
export function formatDuration(ms: number): string {
  for (const [unit, size] of Object.entries(DURATION_MS).toReversed()) {
    // SES's documents say 24 hours, not a day
    if (ms >= (unit === 'd' ? 2 * size : size) && Number.isInteger(ms / size)) return `${ms / size}${unit}`
  }
  return ms >= 1000 ? `${(ms / 1000).toFixed(1)}s` : `${ms}ms`
}

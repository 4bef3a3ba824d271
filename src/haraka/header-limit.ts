// Haraka's limits: it keeps only the first lines of a long header, and breaks long lines.

import type { HarakaTransaction } from './types'

/** Haraka's transaction.js, add_data: the limit if connection.ini has none, or 0. */
export const DEFAULT_HEADER_LINES = 1000

/**
 * connection.ini [headers] max_lines: Haraka drops further lines. A header of exactly so many lines may be whole, but
 * it looks the same as one that was cut.
 */
export function isHeaderCut({
  header_lines: lines,
  cfg,
}: Pick<HarakaTransaction, 'header_lines' | 'cfg'>): boolean {
  // the negation of Haraka's own comparison: with a value that isn't a number Haraka keeps no line
  return !(lines.length < Number(cfg?.headers?.max_lines || DEFAULT_HEADER_LINES))
}

/** connection.ini [max] data_line_length: Haraka breaks longer lines. Undefined: the value isn't a number. */
export function lineLengthOf({ cfg }: Pick<HarakaTransaction, 'cfg'>): number | undefined {
  const length = Number(cfg?.max?.data_line_length)
  return length > 0 ? length : undefined
}

// What Haraka does to a header that is long: it keeps the first lines only, and breaks lines. Pure.

import type { HarakaTransaction } from './types'

/** Haraka's transaction.js, add_data: where connection.ini says nothing, or 0. */
export const DEFAULT_HEADER_LINES = 1000

/**
 * connection.ini [headers] max_lines: Haraka keeps no further line. A header of just so many lines may be whole, which
 * can't be told from one that was cut.
 */
export function isHeaderCut({
  header_lines: lines,
  cfg,
}: Pick<HarakaTransaction, 'header_lines' | 'cfg'>): boolean {
  // Haraka's own comparison turned round: with a value that is no number it keeps none
  return !(lines.length < Number(cfg?.headers?.max_lines || DEFAULT_HEADER_LINES))
}

/** connection.ini [max] data_line_length: Haraka breaks longer lines. Undefined: no number of bytes. */
export function lineLengthOf({ cfg }: Pick<HarakaTransaction, 'cfg'>): number | undefined {
  const length = Number(cfg?.max?.data_line_length)
  return length > 0 ? length : undefined
}

// Finds out whether Haraka wrote its own Received above the fields that the relay sent.

import type { HarakaTransaction } from './types'

/** RFC 5322 section 2.2.3: a line that begins with one continues the field. */
const BLANKS = ' \t'

/** connection.ini [headers] add_received: Haraka's own Received is the first field and names the transaction. */
export function hasOwnReceived({
  header_lines: lines,
  uuid,
}: Pick<HarakaTransaction, 'header_lines' | 'uuid'>): boolean {
  if (lines[0]?.startsWith('Received: from ') !== true) return false
  const id = ` id ${uuid}`
  // Haraka keeps the end of each line, so the id is within one
  if (lines[0].includes(id)) return true
  for (let at = 1; at < lines.length && BLANKS.includes(lines[at]?.[0] ?? '-'); at++)
    if (lines[at]?.includes(id)) return true
  return false
}

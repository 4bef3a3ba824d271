// Finds out whether Haraka wrote its own Received above the fields that the relay sent.

import type { HarakaTransaction } from './types'

/** connection.ini [headers] add_received: Haraka's own Received is the first field and names the transaction. */
export function hasOwnReceived({
  header_lines: lines,
  uuid,
}: Pick<HarakaTransaction, 'header_lines' | 'uuid'>): boolean {
  const end = lines.findIndex((line, index) => index > 0 && !/^[ \t]/.test(line))
  const first = lines.slice(0, end < 0 ? undefined : end).join('')
  return first.startsWith('Received: from ') && first.includes(` id ${uuid}`)
}

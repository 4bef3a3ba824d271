// A secret that the processes of a queue share, so that each can check another one's signatures. Made with the file.
// Only the file's owner and root can read it.

import { QueueError } from '../../errors'
import type { Database } from './database'
import { text } from './rows'

/** 64 hex digits. @throws QueueError if it is missing, as nothing may be signed without it */
export function secret(database: Database): string {
  const row = database.get('SELECT value FROM secret')
  if (row === undefined) throw new QueueError('QUEUE_UNREADABLE', `${database.file}: the secret is not there`)
  return text(row['value'])
}

// A secret that the processes of a queue share, so that what one of them has signed all can tell. As old as the file.
// Known to those alone who may read the file, which are its owner and root.

import { QueueError } from '../../errors'
import type { Database } from './database'
import { text } from './rows'

/** 64 hex digits. @throws QueueError where somebody has taken it away: nothing may be signed without it */
export function secret(database: Database): string {
  const row = database.get('SELECT value FROM secret')
  if (row === undefined) throw new QueueError('QUEUE_UNREADABLE', `${database.file}: the secret is not there`)
  return text(row['value'])
}

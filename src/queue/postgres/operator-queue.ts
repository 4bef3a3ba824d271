// The operator's side of the queue: views, and changes by hand beside a dispatcher that runs.

import { randomBytes } from 'node:crypto'
import { QueueError } from '../../errors'
import type { OperatorQueue } from '../operator'
import { auditOf } from './audit'
import { changeByHand, flushByHand } from './change-by-hand'
import type { PostgresConnection } from './connection'
import { addPause, removePause } from './pauses'
import { type ReaderOptions, readerOf } from './reader'
import { releaseTokens } from './release-tokens'
import { placeOf } from './target'

/** The most ended sessions: people don't sign out a thousand times a day. */
const MOST_ENDED = 1000
/** The same length as in the SQLite engine: 64 hex digits. */
const SECRET_BYTES = 32

export function operatorQueueOf(
  connection: PostgresConnection,
  options: ReaderOptions,
  mail: OperatorQueue['mail'],
): OperatorQueue {
  return {
    ...readerOf(connection, options),
    change: (ids, change) => changeByHand(connection, ids, change),
    flush: (region, nowMs, audit) => flushByHand(connection, region, nowMs, audit),
    pause: (region, nowMs, audit) => addPause(connection, region, nowMs, audit),
    resume: (region, audit) => removePause(connection, region, audit),
    audit: auditOf(connection),
    secret: async () => {
      const secret = await connection.call<string | null>('session_1', { what: 'secret' })
      if (secret === null)
        throw new QueueError('QUEUE_UNREADABLE', `${placeOf(connection.target)}: the secret is not there`)
      return secret
    },
    endSession: async (id, endMs, nowMs) => {
      const newSecret = randomBytes(SECRET_BYTES).toString('hex')
      const times = { endMs: Math.round(endMs), nowMs: Math.round(nowMs) }
      await connection.call('session_1', { what: 'end', id, ...times, most: MOST_ENDED, newSecret })
    },
    isSessionEnded: id => connection.call('session_1', { what: 'ended', id }),
    mail,
    releaseTokens: releaseTokens(connection),
  }
}

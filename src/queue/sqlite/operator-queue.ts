// The operator's side of the queue: views, and changes by hand beside a dispatcher that runs.

import type { AuditDraft } from '../audit'
import type { OperatorQueue } from '../operator'
import { auditOf } from './audit'
import { changeByHand, flushByHand } from './change-by-hand'
import { Database } from './database'
import { mailLedger } from './mail-ledger'
import { addPause, removePause } from './pauses'
import { readerOf } from './reader'
import { secret } from './secret'
import { endSession, isSessionEnded } from './sessions'

/** Long, as an operator prefers waiting to trying again. */
const BUSY_MS = 5000

/** Answers at once. */
export type SqliteOperatorQueue = ReturnType<typeof openOperatorQueue>

/** Never makes a file. @throws QueueError */
export function openOperatorQueue(file: string, { busyMs = BUSY_MS, home = '' } = {}) {
  const database = new Database(file, { busyMs, create: false })
  return {
    ...readerOf(database, home),
    change: (ids, change) => changeByHand(database, ids, change),
    flush: (region, nowMs, audit?: AuditDraft) => flushByHand(database, region, nowMs, audit),
    pause: (region, nowMs, audit?: AuditDraft) =>
      database.write(() => addPause(database, region, nowMs, audit)),
    resume: (region, audit?: AuditDraft) => database.write(() => removePause(database, region, audit)),
    audit: auditOf(database),
    secret: () => secret(database),
    endSession: (id, endMs, nowMs) => endSession(database, id, endMs, nowMs),
    isSessionEnded: id => isSessionEnded(database, id),
    mail: mailLedger(database, home),
  } satisfies OperatorQueue
}

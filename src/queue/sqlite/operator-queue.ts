// The operator's side of the queue: views, and changes by hand beside a dispatcher that runs (../by-hand.ts has the
// rules).

import type { EpochMs } from '../../units'
import type { AuditDraft } from '../audit'
import { cancel, hold, retry } from '../by-hand'
import type { JobFacts } from '../job'
import type { ByHand, OperatorQueue } from '../operator'
import type { Change } from '../transitions'
import { auditOf } from './audit'
import { Database } from './database'
import { mailLedger } from './mail-ledger'
import { addPause, removePause } from './pauses'
import { readerOf } from './reader'
import { applyChange, factsOf } from './rows'
import { secret } from './secret'
import { endSession, isSessionEnded } from './sessions'
import { waitingDeadlines } from './waiting-deadlines'

/** Long, as an operator prefers waiting to trying again. */
const BUSY_MS = 5000

/** Answers at once. */
export type SqliteOperatorQueue = ReturnType<typeof openOperatorQueue>

/** Never makes a file. @throws QueueError */
export function openOperatorQueue(file: string, { busyMs = BUSY_MS, home = '' } = {}) {
  const database = new Database(file, { busyMs, create: false })
  return {
    ...readerOf(database, home),
    retry: (id, nowMs, pace) =>
      change(database, id, nowMs, job => {
        const ahead = ({ region, deadlineMs }: JobFacts) => {
          const row = database.get('SELECT spacing_ms FROM region WHERE name = ?', region)
          const spacingMs = Number(row?.['spacing_ms'] ?? 0)
          return { ...waitingDeadlines(database).of(region).ahead(deadlineMs, spacingMs), spacingMs }
        }
        return retry(job, ahead, nowMs, pace)
      }),
    cancel: (id, nowMs) => change(database, id, nowMs, cancel),
    hold: (id, nowMs) => change(database, id, nowMs, hold),
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

/** `decide`: pure, and called in the transaction. */
function change(
  database: Database,
  id: string,
  nowMs: EpochMs,
  decide: (job: JobFacts | undefined) => Change | Extract<ByHand, { fault: string }>,
): ByHand {
  return database.write((): ByHand => {
    const row = database.get('SELECT * FROM job WHERE id = ?', id)
    const job = row && factsOf(row)
    const decided = decide(job)
    if (!('events' in decided)) return decided
    applyChange(database, row?.['seq'] ?? null, decided, nowMs)
    return { value: { from: job?.state ?? decided.state, to: decided.state } }
  })
}

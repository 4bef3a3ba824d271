// A queue file of its own for each test, and requests with sensible defaults.

import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { senderKey } from '../../src/mail/sender-key'
import type { BounceRequest, Cap } from '../../src/policy/decision'
import type { Submitted } from '../../src/queue/job'
import type { SqliteDispatcherQueue, SqliteWorkerQueue } from '../../src/queue/sqlite/open'
import type { Ahead, KnownRecipient, Lead } from '../../src/queue/store'
import { atEnd } from '../live/support/cleanup'

export const HOUR_MS = 3_600_000

export function temporaryFolder(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'ses-bounce-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  // a suite of which no test is run has no hooks
  const forget = atEnd(remove)
  return {
    folder,
    remove: () => {
      forget()
      remove()
    },
  }
}

let counter = 0

export function request(
  changes: Partial<Omit<BounceRequest, 'recipient'>> & {
    recipient?: Partial<BounceRequest['recipient']>
  } = {},
): BounceRequest {
  counter += 1
  const sender = changes.sender ?? 'sender@origin.example'
  return {
    sesId: `mail${counter}`,
    region: 'eu-west-1',
    receivedAtMs: 0,
    deadlineMs: 24 * HOUR_MS,
    sender,
    senderKey: senderKey(sender),
    bounceSender: 'mailer-daemon@yours.example',
    reportingMta: 'dns; mx.yours.example',
    rule: 'unknown-mailbox',
    caps: [],
    ...changes,
    recipient: {
      address: 'user@yours.example',
      bounceType: 'DoesNotExist',
      status: '5.1.1',
      diagnostic: 'smtp; 550 5.1.1 No such mailbox',
      ...changes.recipient,
    },
  }
}

export function known(queue: SqliteWorkerQueue, sesId: string): ReadonlyMap<string, KnownRecipient> {
  return queue.look({ sesId, nowMs: 0 }).known
}

/** The jobs for which a bounce would wait. */
export function ahead(
  queue: SqliteWorkerQueue,
  region: string,
  deadlineMs: number,
  nowMonoMs: number,
): Ahead {
  return lookFor(queue, { region, deadlineMs, nowMonoMs }, 0).ahead
}

export function counted(queue: SqliteWorkerQueue, cap: Cap, nowMs: number): number {
  const [count] = lookFor(queue, { region: '', deadlineMs: 0, nowMonoMs: 0, caps: [cap] }, nowMs).counted
  if (count === undefined) throw new Error('a cap was not counted')
  return count
}

export function silentMs(queue: SqliteWorkerQueue, nowMonoMs: number): number {
  return lookFor(queue, { region: '', deadlineMs: 0, nowMonoMs }, 0).silentMs
}

function lookFor(
  queue: SqliteWorkerQueue,
  bounce: { region: string; deadlineMs: number; nowMonoMs: number; caps?: readonly Cap[] },
  nowMs: number,
) {
  const { bounce: found } = queue.look({ bounce: { caps: [], ...bounce }, nowMs })
  if (found === undefined) throw new Error('the queue has not answered for a bounce')
  return found
}

/** Its job, which is new. */
export function addJob(
  queue: SqliteWorkerQueue,
  bounce: BounceRequest,
  nowMs: number,
): Submitted & { jobId: string } {
  const [added] = queue.add([bounce], nowMs)
  if (added?.jobId === undefined) throw new Error(`the queue answered ${added?.outcome}`)
  return { ...added, jobId: added.jobId }
}

/** The values with which dispatchers take the lead. */
export const LEAD = { staleMs: 8000, unknownTries: 3, interruptions: 10 }

/** The dispatcher leads from now on. */
export function takeLead(dispatcher: SqliteDispatcherQueue, monoMs = 0): Lead {
  const lead = dispatcher.takeLead(() => ({ ms: monoMs, monoMs }), LEAD)
  if (lead === undefined) throw new Error('another dispatcher leads')
  return lead
}

/** The dispatcher's work, by region. */
export function due(
  dispatcher: SqliteDispatcherQueue,
  nowMs: number,
  longestPauseMs: number,
): { region: string; dueMs: number }[] {
  const plan = dispatcher.plan({ nowMs, longestPauseMs })
  return (plan?.regions ?? []).flatMap(({ region, dueMs }) =>
    dueMs === undefined ? [] : [{ region, dueMs }],
  )
}

/** Sets the spacing for forecasts from now on. */
export function setSpacing(
  dispatcher: SqliteDispatcherQueue,
  spacingMs: number,
  regions?: ReadonlyMap<string, number>,
): void {
  dispatcher.plan({ nowMs: 0, longestPauseMs: 0, forecast: { spacingMs, ...(regions && { regions }) } })
}

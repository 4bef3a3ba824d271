// The workers' side of the queue: has a mail been taken, how many wait before it, take it.
// `add` is one durable transaction; two workers that take the same mail at once end with one job.

import { QueueError } from '../../errors'
import { addressKey, domainOf } from '../../mail/address'
import type { BounceRequest } from '../../policy/decision'
import { type Forecast, latenessOf } from '../admission'
import { type Added, hasEnded, type JobState } from '../job'
import type { Ahead, OrderQueue } from '../store'
import { CallSpacing } from './call-spacing'
import { counted, mustHaveRoom } from './caps'
import { Database, type Row, type Value } from './database'
import { waiting } from './deadline-histogram'
import { answered, keepAnswer } from './idempotency'
import { bootId } from './lease-owner'
import { mailLedger } from './mail-ledger'
import { addEvent, newJobId, text } from './rows'

/** Synchronous, in the process that serves SMTP: rather refuse a mail for now than stand still. */
export const BUSY_MS = 400

export interface WorkerQueueOptions {
  create?: boolean
  /** The folder that mail is kept in. */
  home?: string
}

export function openWorkerQueue(
  file: string,
  { create = false, home = '' }: WorkerQueueOptions = {},
): OrderQueue {
  const database = openWritable(file, create)
  const gate = new CallSpacing(database)
  const boot = bootId()
  return {
    mail: mailLedger(database, home),
    known: sesId => {
      const rows = database.all(
        'SELECT address_key, id, state, rule, kept FROM recipient JOIN job ON job.seq = recipient.job WHERE recipient.ses_id = ?',
        sesId,
      )
      return new Map(
        rows.map(row => [
          text(row['address_key']),
          {
            jobId: text(row['id']),
            state: text(row['state']) as JobState,
            rule: text(row['rule']),
            ...(typeof row['kept'] === 'string' && { kept: row['kept'] }),
          },
        ]),
      )
    },
    lastHeartbeat: () => {
      const row = database.get('SELECT beat_mono_ms AS beat FROM dispatcher WHERE boot_id = ?', boot)
      return typeof row?.['beat'] === 'number' ? row['beat'] : undefined
    },
    ahead,
    counted: (cap, nowMs) => counted(database, cap, nowMs),
    add: (requests, nowMs, forecast, mustBeKept) =>
      database.write(() => {
        mustBeKept?.()
        return addAll(requests, nowMs, forecast)
      }),
    answered: key => answered(database, key),
    addAnswered: ({ requests, nowMs, forecast, key, answer }) =>
      database.write(() => {
        const earlier = key && answered(database, key.name)
        if (earlier) return { added: [], answered: earlier }
        const added = addAll(requests, nowMs, forecast)
        const given = { digest: key?.digest ?? '', answer: answer(added.map(dated)) }
        if (key) keepAnswer(database, key.name, given, nowMs)
        return { added, answered: given }
      }),
    close: () => database.close(),
  }

  function addAll(requests: readonly BounceRequest[], nowMs: number, forecast?: Forecast): Added[] {
    database.mustBeInPlace()
    return requests.map(request =>
      addOne(database, request, nowMs, forecast && (() => mustBeInTime(request, nowMs, forecast))),
    )
  }

  function dated(added: Added): Added & { createdAtMs: number } {
    const row = database.get('SELECT created_ms FROM job WHERE id = ?', added.jobId)
    return { ...added, createdAtMs: Number(row?.['created_ms']) }
  }

  function ahead(region: string, deadlineMs: number, nowMonoMs: number): Ahead {
    return {
      ...waiting(database, region, deadlineMs),
      lastStartMonoMs: gate.lastStart(region, boot, nowMonoMs),
    }
  }

  /** @throws QueueError QUEUE_OVERLOADED: the door has asked before, and others were faster */
  function mustBeInTime({ region, deadlineMs }: BounceRequest, nowMs: number, forecast: Forecast): void {
    const late = latenessOf(ahead(region, deadlineMs, forecast.nowMonoMs), deadlineMs, nowMs, forecast)
    if (late !== undefined) {
      throw new QueueError('QUEUE_OVERLOADED', `the queue of ${region} has become too long meanwhile`)
    }
    // until the dispatcher has seen a region, its pace is the worker's
    database.run('INSERT OR IGNORE INTO region (name, spacing_ms) VALUES (?, ?)', region, forecast.spacingMs)
  }
}

/** SQLite opens a file that it may only read, and such a handle stays as it is when the file is put right. */
function openWritable(file: string, create: boolean): Database {
  const database = new Database(file, { busyMs: BUSY_MS, create })
  try {
    // changes nothing, but needs a file that can be written
    database.run('UPDATE region SET name = name WHERE FALSE')
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

function addOne(database: Database, request: BounceRequest, nowMs: number, mustBeInTime?: () => void): Added {
  const { recipient } = request
  const key = addressKey(recipient.address)
  const earlier = database.get(
    'SELECT id, state FROM recipient JOIN job ON job.seq = recipient.job WHERE recipient.ses_id = ? AND address_key = ?',
    request.sesId,
    key,
  )
  if (earlier) return known(earlier, recipient.address)

  const shared = recipient.isUnconfirmed ? undefined : jobToJoin(database, request)
  mustHaveRoom(database, request, shared === undefined, nowMs)
  if (shared === undefined) mustBeInTime?.()
  const job = shared ?? insertJob(database, request, nowMs)
  database.run(
    `INSERT INTO recipient (ses_id, address_key, job, address, bounce_type, status, diagnostic, rule, added_ms, kept,
       unconfirmed)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    request.sesId,
    key,
    job.seq,
    recipient.address,
    recipient.bounceType,
    recipient.status,
    recipient.diagnostic,
    request.rule,
    nowMs,
    request.kept ?? null,
    recipient.isUnconfirmed ? 1 : 0,
  )
  const what = shared ? 'recipient added' : 'queued'
  addEvent(database, job.seq, nowMs, what, `${recipient.address}, by rule ${request.rule}`)
  return { address: recipient.address, jobId: job.id, outcome: shared ? 'joined' : 'added', state: 'queued' }
}

function known(row: Row, address: string): Added {
  const state = text(row['state']) as JobState
  const jobId = text(row['id'])
  if (hasEnded(state))
    throw new QueueError('QUEUE_ENDED', `the bounce to ${address} has ended as ${state} (job ${jobId})`)
  return { address, jobId, outcome: 'known', state }
}

/** SES API SendBounce: Explanation, BounceSender, its Arn and MessageDsn exist once a call. */
function jobToJoin(database: Database, request: BounceRequest): { seq: Value; id: string } | undefined {
  const row = database.get(
    `SELECT seq, id FROM job WHERE ses_id = ? AND state = 'queued' AND alone = 0 AND region = ? AND bounce_sender = ?
     AND bounce_sender_arn IS ? AND explanation IS ? LIMIT 1`,
    request.sesId,
    request.region,
    request.bounceSender,
    request.bounceSenderArn ?? null,
    request.explanation ?? null,
  )
  return row && { seq: row['seq'] ?? null, id: text(row['id']) }
}

function insertJob(database: Database, request: BounceRequest, nowMs: number): { seq: Value; id: string } {
  const id = newJobId(nowMs)
  database.run('INSERT OR IGNORE INTO region (name) VALUES (?)', request.region)
  const row = database.get(
    `INSERT INTO job (id, state, region, ses_id, sender, bounce_sender, bounce_sender_arn, reporting_mta, explanation,
       received_ms, deadline_ms, created_ms, changed_ms, sender_key, sender_domain, alone)
     VALUES (?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING seq`,
    id,
    request.region,
    request.sesId,
    request.sender,
    request.bounceSender,
    request.bounceSenderArn ?? null,
    request.reportingMta,
    request.explanation ?? null,
    request.receivedAtMs,
    request.deadlineMs,
    nowMs,
    nowMs,
    request.senderKey,
    domainOf(request.sender) ?? '',
    request.recipient.isUnconfirmed ? 1 : 0,
  )
  return { seq: row?.['seq'] ?? null, id }
}

// The workers' side of the queue: reads the records about a mail and the jobs before it, and adds its bounces in one
// durable transaction. Two workers that add the same mail at once make one job.

import { addressKey, domainOf } from '../../mail/address'
import type { BounceRequest } from '../../policy/decision'
import type { AddressKey, EpochMs, MonoMs } from '../../units'
import { admit, areAdmitted } from '../admission'
import { callKey } from '../calls'
import type { Forecast } from '../forecast'
import { isRefused, type JobState, type Submitted, type SubmittedJob } from '../job'
import { newJobId } from '../job-id'
import { bootId } from '../lease-owner'
import { NOT_KEPT } from '../mail-ledger'
import type { AddOptions, Ahead, KnownRecipient, Question, Seen, WorkerQueue } from '../store'
import { addAudit } from './audit'
import { CallSpacing } from './call-spacing'
import { counted } from './caps'
import { machineClock } from './clock'
import { Database, type Row, type Value } from './database'
import { keepRecord, recordOf } from './idempotency'
import { isKept, mailLedger } from './mail-ledger'
import { addEvent, text } from './rows'
import { waitingDeadlines } from './waiting-deadlines'

/** Short, as the wait blocks the process that serves SMTP: a temporary refusal is better. */
export const BUSY_MS = 400

export interface WorkerQueueOptions {
  create?: boolean
  /** The folder of kept mail. */
  home?: string
}

/** SQLite answers at once. */
export interface SqliteWorkerQueue extends WorkerQueue {
  look(question: Question): Seen
  add(requests: readonly BounceRequest[], nowMs: EpochMs, options?: AddOptions): Submitted[]
  close(): void
}

export function openWorkerQueue(
  file: string,
  { create = false, home = '' }: WorkerQueueOptions = {},
): SqliteWorkerQueue {
  const database = openWritable(file, create)
  const starts = new CallSpacing(database)
  const boot = bootId()
  return {
    clock: machineClock,
    mail: mailLedger(database, home),
    look: question => database.read(() => look(question)),
    add: (requests, nowMs, { forecast, mustBeKept, record, audit } = {}) =>
      database.write(() => {
        database.mustBeInPlace()
        const notKept = mustBeKept && requests.some(({ kept }) => kept && !isKept(database, home, kept))
        if (notKept) throw new Error(NOT_KEPT)
        if (record && recordOf(database, record.key)) return []
        const known = new Map<string, ReadonlyMap<AddressKey, KnownRecipient>>()
        const records = {
          known: (sesId: string) => {
            const found = known.get(sesId) ?? knownRecipients(database, sesId)
            known.set(sesId, found)
            return found
          },
          counted: (cap: BounceRequest['caps'][number]) => counted(database, cap, nowMs),
          ahead: (region: string, deadlineMs: EpochMs) => ahead(region, deadlineMs, forecast?.nowMonoMs ?? 0),
        }
        const admitted = admit(requests, records, nowMs, forecast)
        if (!areAdmitted(admitted)) return admitted
        const results = addAll(database, requests, admitted, nowMs, forecast)
        addAudit(database, audit, results.filter(isNew).length)
        if (record) keepRecord(database, record.key, { digest: record.digest, results }, nowMs)
        return results
      }),
    close: () => database.close(),
  }

  function look({ sesId, bounce, idempotencyKey, nowMs }: Question): Seen {
    const record = idempotencyKey === undefined ? undefined : recordOf(database, idempotencyKey)
    return {
      known: sesId === undefined ? new Map() : knownRecipients(database, sesId),
      ...(bounce && {
        bounce: {
          silentMs: silence(bounce.nowMonoMs),
          ahead: ahead(bounce.region, bounce.deadlineMs, bounce.nowMonoMs),
          counted: bounce.caps.map(cap => counted(database, cap, nowMs)),
        },
      }),
      ...(record && { record }),
    }
  }

  function silence(nowMonoMs: MonoMs): number {
    const row = database.get('SELECT beat_mono_ms AS beat FROM dispatcher WHERE boot_id = ?', boot)
    return typeof row?.['beat'] === 'number' ? nowMonoMs - row['beat'] : Number.POSITIVE_INFINITY
  }

  function ahead(region: string, deadlineMs: EpochMs, nowMonoMs: MonoMs): Ahead {
    const { spacingMs, lastStartMs } = starts.forForecast(region, boot, nowMonoMs)
    const waiting = waitingDeadlines(database).of(region)
    return {
      ...waiting.ahead(deadlineMs, spacingMs),
      spacingMs,
      sinceLastStartMs: nowMonoMs - lastStartMs,
    }
  }
}

/** SQLite also opens a file that it may only read, and such a connection stays read-only. So this checks it. */
function openWritable(file: string, create: boolean): Database {
  const database = new Database(file, { busyMs: BUSY_MS, create })
  try {
    // changes nothing, but fails if the file isn't writable
    database.run('UPDATE region SET name = name WHERE FALSE')
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Oldest job first: of several that requests could join, the first counts. Sorted here, as most mails have none. */
function knownRecipients(database: Database, sesId: string): ReadonlyMap<AddressKey, KnownRecipient> {
  const rows = database.all(
    `SELECT seq, address_key, id, state, rule, kept, created_ms, alone, region, bounce_sender, bounce_sender_arn,
       explanation
     FROM recipient JOIN job ON job.seq = recipient.job WHERE recipient.ses_id = ?`,
    sesId,
  )
  rows.sort((one, other) => Number(one['seq']) - Number(other['seq']))
  return new Map(rows.map(row => [text(row['address_key']) as AddressKey, knownRecipient(sesId, row)]))
}

function knownRecipient(sesId: string, row: Row): KnownRecipient {
  const canBeJoined = row['state'] === 'queued' && row['alone'] === 0
  return {
    jobId: text(row['id']),
    state: text(row['state']) as JobState,
    rule: text(row['rule']),
    createdAtMs: Number(row['created_ms']),
    ...(typeof row['kept'] === 'string' && { kept: row['kept'] }),
    ...(canBeJoined && { call: callOf(sesId, row) }),
  }
}

function callOf(sesId: string, row: Row): string {
  const { bounce_sender_arn: bounceSenderArn, explanation } = row
  return callKey({
    sesId,
    region: text(row['region']),
    bounceSender: text(row['bounce_sender']),
    ...(typeof bounceSenderArn === 'string' && { bounceSenderArn }),
    ...(typeof explanation === 'string' && { explanation }),
    recipient: { address: '' },
  })
}

/** Writes the admitted requests. Returns their jobs. */
function addAll(
  database: Database,
  requests: readonly BounceRequest[],
  admitted: readonly Submitted[],
  nowMs: EpochMs,
  forecast?: Forecast,
): Submitted[] {
  const calls = new Map<string, JobRow>()
  const jobs = new Map<string, SubmittedJob>()
  return requests.map((request, index) => {
    const result = admitted[index] as Submitted
    const key = addressKey(request.recipient.address)
    if (result.outcome === 'known')
      return result.jobId === undefined ? { ...result, ...jobs.get(key) } : result
    if (isRefused(result)) return result
    const call = callKey(request)
    const waiting = result.jobId === undefined ? undefined : jobOnRecord(database, result.jobId)
    const job = waiting ?? calls.get(call) ?? insertJob(database, request, nowMs, forecast)
    calls.set(call, job)
    insertRecipient(database, job.seq, key, request, nowMs)
    const what = result.outcome === 'joined' ? 'recipient added' : 'queued'
    addEvent(database, job.seq, nowMs, what, `${request.recipient.address}, by rule ${request.rule}`)
    const { seq: _seq, ...found } = job
    jobs.set(key, found)
    return { ...result, ...found }
  })
}

interface JobRow extends SubmittedJob {
  seq: Value
}

function jobOnRecord(database: Database, jobId: string): JobRow {
  const row = database.get('SELECT seq, created_ms FROM job WHERE id = ?', jobId)
  return { seq: row?.['seq'] ?? null, jobId, state: 'queued', createdAtMs: Number(row?.['created_ms']) }
}

function insertRecipient(
  database: Database,
  job: Value,
  key: string,
  { sesId, rule, kept, recipient }: BounceRequest,
  nowMs: EpochMs,
): void {
  database.run(
    `INSERT INTO recipient (ses_id, address_key, job, address, bounce_type, status, diagnostic, rule, added_ms, kept,
       unconfirmed)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    sesId,
    key,
    job,
    recipient.address,
    recipient.bounceType,
    recipient.status,
    recipient.diagnostic,
    rule,
    nowMs,
    kept ?? null,
    recipient.isUnconfirmed ? 1 : 0,
  )
}

/** SES API SendBounce: Explanation, BounceSender, its Arn and MessageDsn exist once a call. */
function insertJob(database: Database, request: BounceRequest, nowMs: EpochMs, forecast?: Forecast): JobRow {
  const jobId = newJobId(nowMs)
  // until the dispatcher has set a region's pace, the worker's settings count
  database.run(
    'INSERT OR IGNORE INTO region (name, spacing_ms) VALUES (?, ?)',
    request.region,
    forecast?.spacingMs ?? 0,
  )
  const row = database.get(
    `INSERT INTO job (id, state, region, ses_id, sender, bounce_sender, bounce_sender_arn, reporting_mta, explanation,
       received_ms, deadline_ms, created_ms, changed_ms, sender_key, sender_domain, alone)
     VALUES (?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING seq`,
    jobId,
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
  return { seq: row?.['seq'] ?? null, jobId, state: 'queued', createdAtMs: nowMs }
}

function isNew({ outcome }: Submitted): boolean {
  return outcome === 'added' || outcome === 'joined'
}

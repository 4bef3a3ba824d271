// The operator's side of the queue: views, and changes by hand beside a dispatcher that runs.
// A job that a dispatcher holds (`sending`) is never changed; what can't be done comes back with its reason.

import { latenessOf } from '../forecast'
import type { JobState } from '../job'
import type { ByHand, OperatorQueue, Pace } from '../store'
import { Database, type Row, type Value } from './database'
import { waiting } from './deadline-histogram'
import { listJobs } from './list'
import { mailLedger, mailTotals } from './mail-ledger'
import { countByRule, overview } from './overview'
import { pageOfJobs } from './page'
import { addPause, pauses, removePause } from './pauses'
import { addEvent, historyOf, jobOf, text } from './rows'
import { secret } from './secret'
import { endSession, isSessionEnded } from './sessions'

/** An operator waits rather than asks again. */
const BUSY_MS = 5000

/** Never makes a file. @throws QueueError */
export function openOperatorQueue(file: string, { busyMs = BUSY_MS, home = '' } = {}): OperatorQueue {
  const database = new Database(file, { busyMs, create: false })
  return {
    retry: (id, nowMs, pace) =>
      change(database, id, nowMs, {
        to: 'queued',
        from: ['held', 'failed', 'expired', 'cancelled'],
        done: 'queued again by hand',
        refuse: row => lateFor(database, row, nowMs, pace),
        // its tries stay on record, but none of them may hold it at once
        also: 'not_before_ms = 0, unknown_tries = 0, interruptions = 0',
      }),
    cancel: (id, nowMs) =>
      change(database, id, nowMs, { to: 'cancelled', from: ['queued', 'held'], done: 'cancelled by hand' }),
    hold: (id, nowMs) => change(database, id, nowMs, { to: 'held', from: ['queued'], done: 'held by hand' }),
    pause: (region, nowMs) => database.write(() => addPause(database, region, nowMs)),
    resume: region => database.write(() => removePause(database, region)),
    pauses: () => pauses(database),
    job: id => {
      const row = database.get('SELECT * FROM job WHERE id = ?', id)
      return row && jobOf(database, row)
    },
    history: id => historyOf(database, id),
    list: (filter, limit) => listJobs(database, filter, limit),
    page: (filter, limit, before) => pageOfJobs(database, filter, limit, before),
    overview: (nowMs, pace) => overview(database, nowMs, pace),
    rules: () => countByRule(database),
    secret: () => secret(database),
    endSession: (id, endMs, nowMs) => endSession(database, id, endMs, nowMs),
    isSessionEnded: id => isSessionEnded(database, id),
    mailTotals: () => mailTotals(database, home),
    mail: mailLedger(database, home),
    close: () => database.close(),
  }
}

interface Change {
  to: JobState
  from: readonly JobState[]
  /** As the job's reason and in its history. */
  done: string
  /** Why not, after all. */
  refuse?: (row: Row) => string | undefined
  /** More columns to set. */
  also?: string
}

function change(database: Database, id: string, nowMs: number, wanted: Change): ByHand {
  return database.write((): ByHand => {
    const row = database.get('SELECT * FROM job WHERE id = ?', id)
    if (row === undefined) return { done: false, why: 'there is no such job' }
    const from = text(row['state']) as JobState
    const why = wanted.from.includes(from) ? wanted.refuse?.(row) : notFrom(from, wanted)
    if (why !== undefined) return { done: false, why }
    const seq: Value = row['seq'] ?? null
    database.run(
      `UPDATE job SET state = ?, changed_ms = ?, reason = ?, call_begun = 0${wanted.also ? `, ${wanted.also}` : ''} WHERE seq = ?`,
      wanted.to,
      nowMs,
      wanted.done,
      seq,
    )
    const before = text(row['reason'])
    addEvent(
      database,
      seq,
      nowMs,
      'by hand',
      `${from} -> ${wanted.to}${before === '' ? '' : `; before: ${before}`}`,
    )
    return { done: true, from, to: wanted.to }
  })
}

function notFrom(state: JobState, { to, from }: Change): string {
  if (state === to) return `it is ${state} already`
  if (state === 'sending') return 'it is being sent; its call may be on its way'
  return `it is ${state}; only what is ${from.join(' or ')} can become ${to}`
}

/** As it would be for a new bounce: nothing is queued to expire, or to have another one expire. */
function lateFor(
  database: Database,
  row: Row,
  nowMs: number,
  { forecastMs, marginMs }: Pace,
): string | undefined {
  const deadlineMs = Number(row['deadline_ms'])
  const lastMs = deadlineMs - marginMs
  if (lastMs < nowMs) return `its window has ended: the last moment to send it was ${iso(lastMs)}`
  const found = waiting(database, text(row['region']), deadlineMs)
  const ahead = { ...found, sinceLastStartMs: Number.POSITIVE_INFINITY }
  const late = latenessOf(ahead, deadlineMs, nowMs, { spacingMs: forecastMs, marginMs })
  if (late === undefined) return undefined
  if (late === 'another') return 'a bounce with a later deadline could not start in time any more'
  const startMs = nowMs + found.jobs * Math.max(forecastMs, found.spacingMs)
  return `it can't start in time: ${found.jobs} go before it, until ${iso(startMs)}, and the last moment to send it is ${iso(lastMs)}`
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}

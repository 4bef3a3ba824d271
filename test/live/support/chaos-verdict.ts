// The checks at the end of a chaos test, from plain data: each fault found is a line of text.
// Pure; an excuse is precise: an extra bounce needs an interruption on record, and that an attack at its time.

import type { Job, JobEvent } from '../../../src/queue/job'
import type { Harm } from './chaos-attacks'
import type { RelayedMail } from './chaos-relays'
import type { SeenCall } from './chaos-ses'

export interface RecordedJob extends Job {
  history: JobEvent[]
}

export interface Evidence {
  intervalMs: number
  mails: readonly RelayedMail[]
  calls: readonly SeenCall[]
  jobs: readonly RecordedJob[]
  harms: readonly Harm[]
  delivered: readonly { to: readonly string[]; sesId: string }[]
  /** Lines of Haraka's log that tell of a fault nobody caught. */
  complaints: readonly string[]
  /** SQLite's own check of the file. */
  integrity: readonly string[]
  /** Processes that didn't end. */
  left: readonly string[]
}

/** Empty: all was kept. */
export function faultsOf(evidence: Evidence): string[] {
  return [
    ...evidence.mails.flatMap(mail => faultsOfMail(mail, evidence)),
    ...faultsOfCalls(evidence),
    ...faultsOfPace(evidence),
    ...outOfTurn(evidence),
    ...unexplained(evidence),
    ...evidence.complaints.map(line => `a fault that nobody caught: ${line}`),
    ...evidence.integrity.filter(text => text !== 'ok').map(text => `the queue file is damaged: ${text}`),
    ...evidence.left.map(text => `a process is left: ${text}`),
  ]
}

/** Whether an accepted mail must be in the queue for the recipient; else it is delivered. */
export function isBounced(recipient: string): boolean {
  return !recipient.startsWith('friend-')
}

function faultsOfMail(mail: RelayedMail, evidence: Evidence): string[] {
  const { sesId, recipients, accepted, replies } = mail
  const last = replies.at(-1) ?? 'none'
  if (!accepted && !ENDED.test(last)) return [`${sesId} was refused for good, or never answered: ${last}`]
  return recipients.flatMap(recipient => {
    const delivered = evidence.delivered.some(one => one.sesId === sesId && one.to.includes(recipient))
    const what = `${recipient} of ${sesId}`
    if (isBounced(recipient)) {
      if (delivered) return [`${what} was delivered, which the policy refuses`]
      return accepted ? faultsOfBounce(what, sesId, recipient, evidence) : []
    }
    return accepted && !delivered ? [`${what} was accepted and never delivered`] : []
  })
}

/** The relay came again without having heard a 250, and the bounce has ended meanwhile. */
const ENDED = /^550 .*\(not bounced: its bounce has (?:failed|expired) already/

function faultsOfBounce(what: string, sesId: string, recipient: string, evidence: Evidence): string[] {
  const job = evidence.jobs.find(
    one => one.sesId === sesId && one.recipients.some(({ address }) => address === recipient),
  )
  if (job === undefined) return [`${what} was accepted, and has no job`]
  const made = evidence.calls.filter(
    call => call.sesId === sesId && call.recipients.includes(recipient) && call.outcome.carriedOut,
  )
  const { state, reason = '', messageId } = job
  if (state === 'sent') {
    if (!made.some(({ outcome }) => outcome.messageId === messageId))
      return [`${what}: job ${job.id} is sent as ${messageId}, of which SES knows nothing`]
  } else if ((state !== 'failed' && state !== 'held' && state !== 'expired') || reason === '') {
    return [`${what}: job ${job.id} ended as ${state}, for the reason "${reason}"`]
  }
  const most = 1 + interruptionsOf(job, evidence.jobs).length
  if (made.length <= most) return []
  const numbers = made.map(({ number }) => number).join(', ')
  return [`${what}: ${made.length} bounces (calls ${numbers}) where at most ${most} can be explained`]
}

/** After each of them the call may be made again though it was carried out. */
function interruptionsOf(job: RecordedJob, jobs: readonly RecordedJob[]): JobEvent[] {
  const own = job.history.filter(isInterruption)
  const [, parentId] = /^split off job ([^:]+):/.exec(job.history[0]?.detail ?? '') ?? []
  const parent = jobs.find(({ id }) => id === parentId)
  if (parent === undefined) return own
  const splitAt = parent.history.findIndex(({ what }) => what === 'split')
  return [...parent.history.slice(0, splitAt).filter(isInterruption), ...own]
}

function isInterruption({ what }: JobEvent): boolean {
  return what === 'interrupted' || what === 'unknown outcome'
}

function faultsOfCalls({ calls, mails }: Evidence): string[] {
  return calls.flatMap(({ number, sesId, recipients }) => {
    const mail = mails.find(one => one.sesId === sesId)
    if (mail === undefined) return [`call ${number} is for a mail that nobody sent: ${sesId}`]
    const strangers = recipients.filter(one => !isBounced(one) || !mail.recipients.includes(one))
    return strangers.map(one => `call ${number} is for ${one}, which nobody asked for`)
  })
}

/** Measured as kindly as the emulator's own delays may ask for, and no kinder. */
export function gapsOf(calls: readonly SeenCall[]): { call: SeenCall; gapMs: number; mostMs: number }[] {
  const regions = new Set(calls.map(({ region }) => region))
  return [...regions].flatMap(region => {
    const ofRegion = calls.filter(call => call.region === region)
    const inOrder = ofRegion.toSorted((one, other) => one.atMs - other.atMs)
    return inOrder.slice(1).flatMap((call, index) => {
      const before = inOrder[index]
      if (before === undefined) return []
      const gapMs = call.atMs - before.atMs
      return [{ call, gapMs, mostMs: gapMs + before.lagMs }]
    })
  })
}

function faultsOfPace({ calls, intervalMs }: Evidence): string[] {
  return gapsOf(calls)
    .filter(({ mostMs }) => mostMs < intervalMs)
    .map(
      ({ call, gapMs, mostMs }) =>
        `call ${call.number} in ${call.region}: ${gapMs.toFixed(1)} ms after the one before (at most ${mostMs.toFixed(1)})`,
    )
}

/** Calls of a dispatcher whose turn was over: its successor had put the job in order by then. */
function outOfTurn({ calls, jobs }: Evidence): string[] {
  return calls.flatMap(({ number, sesId, wallMs, lagMs }) => {
    const turns = jobs.filter(job => job.sesId === sesId).flatMap(({ history }) => turnsOf(history))
    const isInTurn = turns.some(
      ({ fromMs, toMs }) => wallMs >= fromMs - MOMENT_MS && wallMs - lagMs <= toMs + MOMENT_MS,
    )
    return isInTurn
      ? []
      : [`call ${number} for ${sesId} came at ${wallMs}, when it was nobody's turn to make it`]
  })
}

/** From each claim of a job to what came of it. */
function turnsOf(history: readonly JobEvent[]): { fromMs: number; toMs: number }[] {
  return history.flatMap(({ what, atMs }, index) =>
    what === 'claimed' ? [{ fromMs: atMs, toMs: history[index + 1]?.atMs ?? Number.POSITIVE_INFINITY }] : [],
  )
}

/** A signal is sent a moment after the time that was taken for it, and a process dies a moment later. */
const MOMENT_MS = 50

/** Interruptions without an attack on the process that made the call, at its time. An attack explains one in each region. */
function unexplained({ jobs, harms, calls }: Evidence): string[] {
  const used = new Set<string>()
  const events = jobs.flatMap(job =>
    job.history.flatMap((event, index) => {
      if (!isInterruption(event) && event.what !== 'held') return []
      const claimed = job.history.slice(0, index).findLast(({ what }) => what === 'claimed')
      return [{ job, event, fromMs: claimed?.atMs ?? 0 }]
    }),
  )
  return events
    .toSorted((one, other) => one.event.atMs - other.event.atMs)
    .flatMap(({ job, event, fromMs }) => {
      if (event.what !== 'interrupted' && isAmbiguous(job, fromMs, event.atMs, calls)) return []
      const harm = harms.findIndex(
        (one, index) =>
          one.toMs >= fromMs - MOMENT_MS &&
          one.fromMs <= event.atMs + MOMENT_MS &&
          !used.has(`${index} ${job.region}`),
      )
      if (harm >= 0) used.add(`${harm} ${job.region}`)
      return harm >= 0
        ? []
        : [
            `job ${job.id} of ${job.sesId}: ${event.what} at ${event.atMs} (${event.detail}), and nobody did it`,
          ]
    })
}

const AMBIGUOUS = new Set(['reset', 'silence', 'garbage', 'empty'])

function isAmbiguous(job: Job, fromMs: number, toMs: number, calls: readonly SeenCall[]): boolean {
  return calls.some(
    ({ sesId, wallMs, outcome }) =>
      sesId === job.sesId && wallMs >= fromMs && wallMs <= toMs && AMBIGUOUS.has(outcome.fault ?? ''),
  )
}

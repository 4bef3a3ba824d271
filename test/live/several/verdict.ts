// Checks a history with several hosts, whatever was done to them. Each fault found is a line of text. Pure; an
// excuse is precise: a second bounce needs an interruption on record, and that a harm at its time.

import type { JobEvent } from '../../../src/queue/job'
import type { SeenCall } from '../support/chaos-ses'
import { gapsOf, type RecordedJob } from '../support/chaos-verdict'
import type { CallBegun } from './audit'
import type { History } from './history'

/** Two clocks of one machine are read a moment apart, and a process dies a moment after the signal. */
const MOMENT_MS = 50
/** From the begin of a call, when nobody else may lead yet (LATEST in docs/several-hosts.md). */
const LATEST_MS = 2000
/** The time for the rest of a mail's way on a busy machine. */
const REST_OF_MAIL_MS = 1500
/** After a harm a host finds its way back within so long. */
const BACK_MS = 3000

/** Empty: all was kept. `isOver`: nothing is to come any more, so that everything must have ended. */
export function faultsOf(history: History, { isOver }: { isOver: boolean }): string[] {
  return [
    ...lost(history, isOver),
    ...twice(history),
    ...unexplained(history),
    ...tooSoon(history),
    ...leads(history),
    ...outOfTerm(history),
    ...overCap(history),
    ...outOfOrder(history),
    ...refused(history),
    ...slow(history),
    ...history.complaints.map(line => `a fault that nobody caught: ${line}`),
    ...history.left.map(text => `a process is left: ${text}`),
  ]
}

/** Every 250 has its job, and SES has made its bounce; what the cap refuses has none. */
function lost({ mails, jobs, calls, perSender }: History, isOver: boolean): string[] {
  const bySesId = new Map(jobs.map(job => [job.sesId, job]))
  return mails.flatMap(({ sesId, sender, told }) => {
    const last = told.at(-1)?.reply
    const wrong = told.find(({ reply }) => reply?.startsWith('5'))
    if (wrong) return [`${sesId} was refused for good by ${wrong.host}: ${wrong.reply}`]
    if (!last?.startsWith('2')) return isOver ? [`${sesId} was never answered with 250: ${last}`] : []
    const job = bySesId.get(sesId)
    if (job === undefined) {
      const isCapped = jobs.filter(one => one.sender === sender).length >= perSender
      return isCapped ? [] : [`${sesId} was accepted, and has no job`]
    }
    if (job.state === 'sent') {
      const isMade = calls.some(({ outcome }) => outcome.carriedOut && outcome.messageId === job.messageId)
      return isMade ? [] : [`job ${job.id} is sent as ${job.messageId}, of which SES knows nothing`]
    }
    const isOpen = job.state === 'queued' || job.state === 'sending'
    return isOpen && !isOver ? [] : [`job ${job.id} of ${sesId} ended as ${job.state}: ${job.reason}`]
  })
}

/** No recipient twice, but for an interruption on record. */
function twice({ jobs, calls }: History): string[] {
  return jobs.flatMap(({ id, sesId, history }) => {
    const made = calls.filter(call => call.sesId === sesId && call.outcome.carriedOut)
    const most = 1 + history.filter(isInterruption).length
    const numbers = made.map(({ number }) => number).join(', ')
    return made.length <= most
      ? []
      : [`job ${id}: ${made.length} bounces (calls ${numbers}) where at most ${most} can be explained`]
  })
}

function isInterruption({ what }: JobEvent): boolean {
  return what === 'interrupted' || what === 'unknown outcome'
}

/** Every interruption was caused by a harm between the claim and what came of it. */
function unexplained({ jobs, harms }: History): string[] {
  return jobs.flatMap(({ id, history }) =>
    history.flatMap((event, index) => {
      if (!isInterruption(event)) return []
      const fromMs = history.slice(0, index).findLast(({ what }) => what === 'claimed')?.atMs ?? 0
      const isHarmed = harms.some(
        harm => harm.toMs >= fromMs - MOMENT_MS && harm.fromMs <= event.atMs + MOMENT_MS,
      )
      return isHarmed
        ? []
        : [`job ${id}: ${event.what} at ${event.atMs}, and nobody did it (${event.detail})`]
    }),
  )
}

/** Measured as kindly as the emulator's own delays ask for. */
function tooSoon({ calls, intervalMs }: History): string[] {
  return gapsOf(calls)
    .filter(({ mostMs }) => mostMs < intervalMs)
    .map(
      ({ call, gapMs }) =>
        `call ${call.number} in ${call.region} came ${gapMs.toFixed(1)} ms after the one before`,
    )
}

/** Terms only grow, and each call is begun by the host that leads. */
function leads({ leads: taken, begun, hosts }: History): string[] {
  const shrunk = taken.slice(1).flatMap(({ term, host }, index) => {
    const before = taken[index]?.term ?? 0
    return term > before ? [] : [`${host} took the lead with term ${term} after term ${before}`]
  })
  const foreign = begun
    .filter(({ address, leader }) => hosts[address] !== leader)
    .map(
      ({ jobId, address, leader, term }) =>
        `${hosts[address] ?? address} began a call of job ${jobId} while ${leader} led, in term ${term}`,
    )
  return [...shrunk, ...foreign]
}

/** Each call follows its begin at once, and none of a term comes after the first of a later one. */
function outOfTerm({ calls, begun }: History): string[] {
  const last = new Map<string, number>()
  return calls
    .toSorted((one, other) => one.atMs - other.atMs)
    .flatMap(call => {
      const begin = beginOf(call, begun)
      if (begin === undefined) return [`call ${call.number} for ${call.sesId} was never begun`]
      const found: string[] = []
      const lateMs = call.wallMs - call.lagMs - begin.atMs
      if (lateMs > LATEST_MS + MOMENT_MS)
        found.push(`call ${call.number} came ${Math.round(lateMs)} ms after its begin`)
      const latest = last.get(call.region) ?? 0
      if (begin.term < latest)
        found.push(`call ${call.number} of term ${begin.term} came after one of term ${latest}`)
      last.set(call.region, Math.max(latest, begin.term))
      return found
    })
}

function beginOf({ sesId, wallMs }: SeenCall, begun: readonly CallBegun[]): CallBegun | undefined {
  return begun.findLast(one => one.sesId === sesId && one.atMs <= wallMs + MOMENT_MS)
}

function overCap({ jobs, perSender }: History): string[] {
  const counts = new Map<string, number>()
  for (const { sender } of jobs) counts.set(sender, (counts.get(sender) ?? 0) + 1)
  return [...counts]
    .filter(([, count]) => count > perSender)
    .map(([sender, count]) => `${count} jobs of ${sender}, who may have ${perSender}`)
}

/** Whenever a job was claimed, none with a sooner deadline waited that had never been claimed. */
function outOfOrder({ jobs, steps }: History): string[] {
  const byId = new Map(jobs.map(job => [job.id, job]))
  const waiting = new Set<RecordedJob>()
  return steps.flatMap(({ jobId, what }) => {
    const job = byId.get(jobId)
    if (job === undefined) return []
    if (what === 'added') {
      waiting.add(job)
      return []
    }
    waiting.delete(job)
    const sooner = [...waiting].find(one => one.region === job.region && one.deadlineMs < job.deadlineMs)
    return sooner === undefined
      ? []
      : [`job ${job.id} was claimed, though job ${sooner.id} with a sooner deadline waited`]
  })
}

/** A mail is refused for now, or its connection breaks, only during a harm, and shortly after it. */
function refused({ mails, harms }: History): string[] {
  return mails.flatMap(({ sesId, told }) =>
    told
      .filter(({ reply }) => reply === undefined || reply.startsWith('4'))
      .filter(
        ({ atMs, tookMs }) =>
          !harms.some(({ fromMs, toMs }) => fromMs <= atMs && toMs + BACK_MS >= atMs - tookMs),
      )
      .map(
        ({ host, atMs, reply }) =>
          `${sesId} was told "${reply}" by ${host} at ${atMs}, and nothing was wrong`,
      ),
  )
}

/** A mail waits for the database twice as long as for an answer, at most; a worker that was stopped answers later. */
function slow({ mails, harms, timeoutMs }: History): string[] {
  const mostMs = 2 * timeoutMs + REST_OF_MAIL_MS
  const stops = harms.filter(({ what }) => /worker.*stopped/.test(what))
  return mails.flatMap(({ sesId, told }) =>
    told
      .filter(({ reply, tookMs }) => reply !== undefined && tookMs > mostMs)
      .filter(
        ({ atMs, tookMs }) => !stops.some(({ fromMs, toMs }) => fromMs <= atMs && toMs >= atMs - tookMs),
      )
      .map(({ host, tookMs, reply }) => `${sesId} was told "${reply}" by ${host} after ${tookMs} ms`),
  )
}

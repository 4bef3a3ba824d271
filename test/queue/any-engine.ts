// Questions to a queue of any engine, which may answer later. Their time is that of the queue and of the caller's
// monotonic clock: an engine may count with either.

import type { BounceRequest, Cap } from '../../src/policy/decision'
import type { Job, Submitted } from '../../src/queue/job'
import type { Ahead, DispatcherQueue, KnownRecipient, Lead, WorkerQueue } from '../../src/queue/store'
import { LEAD } from './support'

/** One after the other. */
export async function inTurn<A, B>(
  all: Iterable<A>,
  work: (one: A, index: number) => B | Promise<B>,
): Promise<B[]> {
  const done: B[] = []
  for (const one of all) done.push(await work(one, done.length))
  return done
}

/** All jobs of a list. */
export async function allOf(jobs: Iterable<Job> | AsyncIterable<Job>): Promise<Job[]> {
  const all: Job[] = []
  for await (const job of jobs) all.push(job)
  return all
}

export async function known(queue: WorkerQueue, sesId: string): Promise<ReadonlyMap<string, KnownRecipient>> {
  return (await queue.look({ sesId, nowMs: 0 })).known
}

/** The jobs for which a bounce would wait. */
export async function ahead(
  queue: WorkerQueue,
  region: string,
  deadlineMs: number,
  nowMs: number,
): Promise<Ahead> {
  return (await lookFor(queue, { region, deadlineMs }, nowMs)).ahead
}

export async function counted(queue: WorkerQueue, cap: Cap, nowMs: number): Promise<number> {
  const [count] = (await lookFor(queue, { region: '', deadlineMs: 0, caps: [cap] }, nowMs)).counted
  if (count === undefined) throw new Error('a cap was not counted')
  return count
}

export async function silentMs(queue: WorkerQueue, nowMs: number): Promise<number> {
  return (await lookFor(queue, { region: '', deadlineMs: 0 }, nowMs)).silentMs
}

async function lookFor(
  queue: WorkerQueue,
  bounce: { region: string; deadlineMs: number; caps?: readonly Cap[] },
  nowMs: number,
) {
  const { bounce: found } = await queue.look({ bounce: { caps: [], nowMonoMs: nowMs, ...bounce }, nowMs })
  if (found === undefined) throw new Error('the queue has not answered for a bounce')
  return found
}

/** Its job, which is new. */
export async function addJob(
  queue: WorkerQueue,
  bounce: BounceRequest,
  nowMs: number,
): Promise<Submitted & { jobId: string }> {
  const [added] = await queue.add([bounce], nowMs)
  if (added?.jobId === undefined) throw new Error(`the queue answered ${added?.outcome}`)
  return { ...added, jobId: added.jobId }
}

/** The dispatcher leads from now on. */
export async function takeLead(dispatcher: DispatcherQueue, monoMs = 0): Promise<Lead> {
  const lead = await dispatcher.takeLead(() => ({ ms: monoMs, monoMs }), LEAD)
  if (lead === undefined) throw new Error('another dispatcher leads')
  return lead
}

/** The dispatcher's work, by region. */
export async function due(
  dispatcher: DispatcherQueue,
  nowMs: number,
  longestPauseMs: number,
): Promise<{ region: string; dueMs: number }[]> {
  const plan = await dispatcher.plan({ nowMs, longestPauseMs })
  return (plan?.regions ?? []).flatMap(({ region, dueMs }) =>
    dueMs === undefined ? [] : [{ region, dueMs }],
  )
}

/** Sets the spacing for forecasts from now on. */
export async function setSpacing(
  dispatcher: DispatcherQueue,
  spacingMs: number,
  regions?: ReadonlyMap<string, number>,
): Promise<void> {
  await dispatcher.plan({ nowMs: 0, longestPauseMs: 0, forecast: { spacingMs, ...(regions && { regions }) } })
}

// `node --expose-gc baseline-process.js JOBS`: so many jobs in a plain Bottleneck, as in a program without a queue.
// Sends 'ready' when they all wait; then it waits for its end.

import Bottleneck from 'bottleneck'
import type { Job } from '../../src/queue/job'
import { deadlineOf, requestOf } from './jobs'

/** SES allows one call a second. */
const SETTINGS = { minTime: 1000, maxConcurrent: 1 }
/** Jobs between two garbage collections, which keep the heap as small as possible. */
const TOGETHER = 100

const limiter = new Bottleneck(SETTINGS)
// jobs that start meanwhile take no time
const send = async (job: Job) => void job

async function baseline(jobs: number): Promise<void> {
  hurry()
  const nowMs = Date.now()
  for (let number = 0; number < jobs; number++) {
    const job = jobOf(number, jobs, nowMs)
    limiter.schedule(() => send(job)).catch(() => undefined)
    if (number % TOGETHER === 0) await taken()
  }
  await taken()
  globalThis.gc?.()
}

/** The same data as a job of the queue, parsed from text as from a message. */
function jobOf(number: number, jobs: number, nowMs: number): Job {
  const {
    rule,
    recipient,
    caps: _caps,
    ...request
  } = requestOf(number, nowMs, deadlineOf(number, jobs, nowMs))
  const job: Job = {
    id: `${nowMs.toString(36)}-${number}`,
    state: 'queued',
    ...request,
    createdAtMs: nowMs,
    changedAtMs: nowMs,
    notBeforeMs: 0,
    tries: 0,
    unknownTries: 0,
    interruptions: 0,
    recipients: [{ ...recipient, rule, addedAtMs: nowMs }],
  }
  return JSON.parse(JSON.stringify(job)) as Job
}

/** Bottleneck uses a few timers of 0 ms to add each job, so a day of jobs would take minutes. */
function hurry(): void {
  const timeout = globalThis.setTimeout
  const soon = (work: () => void) => setImmediate(work)
  Object.assign(globalThis, {
    setTimeout: (work: () => void, ms: number) => (ms > 0 ? timeout(work, ms) : soon(work)),
  })
}

async function taken(): Promise<void> {
  while (limiter.counts().RECEIVED > 0) await new Promise(resolve => setImmediate(resolve))
}

void baseline(Number(process.argv[2])).then(() => process.send?.('ready'))
process.once('disconnect', () => process.exit())

// One region's calls, one after the other: Bottleneck for the rhythm, the store's gate for the guarantee.
// A fault of the store ends the lane; its job is then put in order by whoever takes the lock next.

import Bottleneck from 'bottleneck'
import { isLasting, QueueError } from '../errors'
import type { Job } from '../queue/job'
import type { Claim, DispatcherQueue, Settled, StateChange } from '../queue/store'
import type { Settings } from '../settings/settings'
import type { Clock } from './clock'
import { BLOCKED_PAUSE_MS, effectOf, longestPauseMs, type Outcome } from './outcomes'
import { sendBounceInput } from './send-bounce'
import type { Ses } from './ses'

export type Log = (level: 'info' | 'notice' | 'warn' | 'error', message: string) => void

export interface LaneParts {
  queue: DispatcherQueue
  ses: Ses
  clock: Clock
  settings: () => Settings
  log: Log
  /** For tests: how long a blocked sender or region waits. */
  blockedPauseMs?: number
}

/** The claim's fsync is done this long before the call, so that it doesn't delay it. */
const LEAD_MS = 25
/** After a fault of the store, before the next attempt. */
export const STORE_RETRY_MS = 500
/** Longest slowing down by throttling: the account has callers that never pause. */
const LONGEST_THROTTLE_MS = 30_000

/** One region's calls, one after the other, through a Bottleneck limiter that is fed one job at a time. */
export class RegionLane {
  readonly #region: string
  readonly #parts: LaneParts
  readonly #stop: AbortSignal
  readonly #ended: () => void
  readonly #limiter: Bottleneck
  #running: Promise<void> | undefined
  /** From the claim to its record. Never rejects. */
  #calling: Promise<unknown> | undefined
  #fault: unknown
  #changed = false
  /** Monotonic time before which no call starts: the spacing, and the pauses that SES's answers ask for. */
  #notBeforeMonoMs = Number.NEGATIVE_INFINITY
  #throttledInRow = 0

  constructor(region: string, parts: LaneParts, stop: AbortSignal, ended: () => void) {
    this.#region = region
    this.#parts = parts
    this.#stop = stop
    this.#ended = ended
    this.#limiter = new Bottleneck({ minTime: parts.settings().limit.intervalMs, maxConcurrent: 1 })
  }

  start(): void {
    if (this.#running !== undefined || this.#fault !== undefined) return
    this.#running = this.#work()
      .catch((error: unknown) => {
        this.#fault = error
      })
      .finally(() => {
        this.#running = undefined
        this.#changed = true
        this.#ended()
      })
  }

  /**
   * Resolves when no call is on its way. The limiter may still owe a slot, which can't be taken back: once the lane
   * is stopped, what it was for does nothing.
   */
  async idle(): Promise<void> {
    await this.#calling
  }

  /** Whether this lane has ended since it was asked last. */
  changed(): boolean {
    const changed = this.#changed
    this.#changed = false
    return changed
  }

  rethrow(): void {
    if (this.#fault !== undefined) throw this.#fault
  }

  async #work(): Promise<void> {
    const { settings } = this.#parts
    // only a job that is due may take the limiter's slot: an empty one would delay the next job by an interval
    while (!this.#stop.aborted && this.#isDue()) {
      this.#limiter.updateSettings({ minTime: settings().limit.intervalMs })
      await this.#limiter.schedule(() => this.#tracked(this.#oneCall()))
    }
  }

  #tracked(call: Promise<void>): Promise<void> {
    this.#calling = call.catch(() => undefined)
    return call
  }

  #isDue(): boolean {
    const { queue, clock } = this.#parts
    return queue
      .due(clock.nowMs(), this.#longestPauseMs())
      .some(({ region, dueMs }) => region === this.#region && dueMs === 0)
  }

  async #oneCall(): Promise<void> {
    const { clock, queue } = this.#parts
    await clock.waitUntil(this.#notBeforeMonoMs - LEAD_MS, this.#stop)
    if (this.#stop.aborted) return
    this.#expire()
    const claim = this.#claim()
    if (claim === undefined) return
    await clock.waitUntil(claim.startAtMonoMs, this.#stop)
    if (this.#stop.aborted) {
      queue.release(claim, clock.nowMs())
      return
    }
    queue.begin(claim, this.#now())
    await this.#call(claim)
  }

  #claim(): Claim | undefined {
    const { limit, window } = this.#parts.settings()
    return this.#parts.queue.claim(this.#region, this.#now(), {
      spacingMs: limit.intervalMs + limit.slackMs,
      notBeforeMonoMs: this.#notBeforeMonoMs,
      longestPauseMs: this.#longestPauseMs(),
      marginMs: window.marginMs,
    })
  }

  get #blockedPauseMs(): number {
    return this.#parts.blockedPauseMs ?? BLOCKED_PAUSE_MS
  }

  #longestPauseMs(): number {
    return longestPauseMs(this.#parts.settings())
  }

  async #call(claim: Claim): Promise<void> {
    const { clock, queue, ses, settings, log } = this.#parts
    const { job } = claim
    const { outcome, seenMonoMs } = await ses.sendBounce(job.region, sendBounceInput(job))
    const { limit, queue: retry } = settings()
    this.#notBeforeMonoMs = seenMonoMs + limit.intervalMs + limit.slackMs + this.#extraPauseMs(outcome)
    const nowMs = clock.nowMs()
    const effect = effectOf(outcome, job, retry, nowMs, this.#blockedPauseMs)
    const { state, changes } = await this.#untilStored(() =>
      queue.settle(claim, effect, { ms: nowMs, seenMonoMs }),
    )
    for (const change of changes) log('error', describeChange(change))
    const fate = state === 'split' ? state : `state=${state}`
    log(levelOf(outcome, state), `${describe(job)} ${outcome.kind} ${fate}: ${effect.detail}`)
  }

  /** On throttling the region slows down (other callers share the account); on a lasting refusal it waits. */
  #extraPauseMs(outcome: Outcome): number {
    const { intervalMs } = this.#parts.settings().limit
    this.#throttledInRow = outcome.kind === 'throttled' ? this.#throttledInRow + 1 : 0
    if (outcome.kind === 'throttled') {
      return Math.min(intervalMs * 2 ** (this.#throttledInRow - 1), LONGEST_THROTTLE_MS)
    }
    return outcome.kind === 'blocked' && outcome.scope === 'region' ? this.#blockedPauseMs : 0
  }

  #expire(): void {
    expireJobs(this.#region, this.#parts)
  }

  /** An answer of SES must not be forgotten because the disk is full for a while. */
  async #untilStored<T>(work: () => T): Promise<T> {
    const { clock, log } = this.#parts
    for (;;) {
      try {
        return work()
      } catch (error) {
        if (!(error instanceof QueueError) || isLasting(error) || error.code === 'QUEUE_LOCK_LOST')
          throw error
        log('error', `${error.message}; the outcome of a call is kept in memory until it can be written`)
        await clock.waitUntil(clock.monoMs() + STORE_RETRY_MS)
      }
    }
  }

  #now(): { ms: number; monoMs: number } {
    const { clock } = this.#parts
    return { ms: clock.nowMs(), monoMs: clock.monoMs() }
  }
}

function levelOf(outcome: Outcome, state: Settled['state']): 'info' | 'warn' | 'error' {
  if (outcome.kind === 'sent') return 'info'
  return state === 'failed' || state === 'held' ? 'error' : 'warn'
}

/** What is blocked waits, and says so once. */
function describeChange({ region, bounceSender, isPaused, detail = '' }: StateChange): string {
  const who = `region=${region}${bounceSender === undefined ? '' : ` bounce_sender=${bounceSender}`}`
  return isPaused
    ? `${who} is paused, its bounces wait, one is tried each minute: ${detail}`
    : `${who} works again`
}

function describe(job: Job): string {
  return `job=${job.id} region=${job.region} ses_id=${job.sesId} recipients=${job.recipients.length}`
}

/** Ends a bounded number of jobs whose last moment has passed; how many. */
export function expireJobs(region: string, { queue, clock, settings, log }: LaneParts): number {
  const expired = queue.expire(region, clock.nowMs(), settings().window.marginMs)
  for (const job of expired) log('error', `${describe(job)} expired: ${job.reason ?? ''}`)
  return expired.length
}

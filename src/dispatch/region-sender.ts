// Sends one region's calls one after the other: Bottleneck spaces them, and the store's record of the last start
// guarantees the distance. A fault of the store ends the sender; the next dispatcher with the lead recovers its job.

import Bottleneck from 'bottleneck'
import type { Settings } from '../config/settings'
import { BLOCKED_PAUSE_MS, effectOf, longestPauseMs, type Outcome } from '../queue/effects'
import { forecastSpacingMs } from '../queue/forecast'
import type { Claim, DispatcherQueue, Eventually, Now, RegionPlan, Settled } from '../queue/store'
import type { MonoMs } from '../units'
import type { CallCounts } from './call-counts'
import { describe, describeChange, levelOf } from './call-log'
import type { Clock } from './clock'
import { expireJobs } from './expire'
import { Pace } from './pace'
import { sendBounceInput } from './send-bounce'
import type { Ses } from './ses'
import { Throughput } from './throughput'
import { NO_CALL, OUTCOME, passes, untilStored } from './until-stored'

export type Log = (level: 'info' | 'notice' | 'warn' | 'error', message: string) => void

export interface RegionSenderParts {
  queue: DispatcherQueue
  ses: Ses
  clock: Clock
  settings: () => Settings
  log: Log
  counts?: CallCounts
  /** For tests: the pause of a blocked sender or region. */
  blockedPauseMs?: number
}

/** The claim's fsync is done this long before the call, so that it doesn't delay it. */
const LEAD_MS = 25
/** The longest time from its begin to its sending: well below the time after which a silent dispatcher loses the lead. */
const LATEST_MS = 2000
/** A limiter's slot comes an interval after the one before, and in a busy process up to so much later. */
const SLOT_LATE_MS = 1000
/** Time between two looks, in a longer pause, whether an operator wants it to end. */
const LOOK_MS = 1000

/** One region's calls, one after the other, through a Bottleneck limiter that is fed one job at a time. */
export class RegionSender {
  readonly #region: string
  readonly #parts: RegionSenderParts
  readonly #stop: AbortSignal
  readonly #told: AbortSignal
  readonly #ended: () => void
  #limiter: Bottleneck
  #running: Promise<void> | undefined
  /** From the claim to its record. Never rejects. */
  #calling: Promise<unknown> | undefined
  #fault: unknown
  #changed = false
  /** Monotonic time before which no call starts: the spacing, and the pauses that SES's answers ask for. */
  #notBeforeMonoMs = Number.NEGATIVE_INFINITY
  /** Since the last call's outcome (epoch ms), and its end (monotonic) by the pace alone. */
  #rest = { sinceMs: 0, endsMonoMs: Number.NEGATIVE_INFINITY }
  readonly #pace: Pace
  readonly #throughput = new Throughput()
  /** Monotonic time of the end of the last call, or of the beginning of the work. */
  #sinceMonoMs = 0

  /**
   * `slowdown`: the value that the last dispatcher stored. `stop`: no job is claimed any more. `told`: because the
   * process ends.
   */
  constructor(
    { region, slowdown }: RegionPlan,
    parts: RegionSenderParts,
    stop: AbortSignal,
    told: AbortSignal,
    ended: () => void,
  ) {
    this.#region = region
    this.#parts = parts
    this.#stop = stop
    this.#told = told
    this.#ended = ended
    this.#pace = new Pace(slowdown)
    this.#limiter = this.#newLimiter()
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
   * Resolves when no call is in progress. A slot that was requested from the limiter can't be cancelled; its work then
   * does nothing.
   */
  async idle(): Promise<void> {
    await this.#calling
  }

  /** Whether this sender has ended since the last call. */
  changed(): boolean {
    const changed = this.#changed
    this.#changed = false
    return changed
  }

  rethrow(): void {
    if (this.#fault !== undefined) throw this.#fault
  }

  /** The spacing for this region's forecast. */
  spacingMs(): number {
    return this.#throughput.perJobMs(forecastSpacingMs(this.#parts.settings().limit))
  }

  async #work(): Promise<void> {
    const { settings, clock } = this.#parts
    this.#sinceMonoMs = clock.monoMs()
    // a slot is requested only for a due job, as an unused one would delay the next job by an interval
    while (!this.#stop.aborted && (await this.#isDue())) {
      const { intervalMs } = settings().limit
      this.#limiter.updateSettings({ minTime: intervalMs })
      await this.#inSlot(clock.monoMs() + intervalMs + SLOT_LATE_MS, () => this.#tracked(this.#oneCall()))
    }
  }

  /**
   * Bottleneck uses the wall clock: if that is set back, the slot comes too late. Work that hasn't begun by then is
   * given to a new limiter; the store guarantees the distance.
   */
  async #inSlot(latestMonoMs: MonoMs, work: () => Promise<void>): Promise<void> {
    const begun = new AbortController()
    let isGivenUp = false
    const ended = this.#limiter.schedule(async () => {
      if (isGivenUp) return
      begun.abort()
      await work()
    })
    // the limiter rejects a slot that is given up
    ended.catch(() => undefined)
    await this.#parts.clock.waitUntil(latestMonoMs, begun.signal)
    if (begun.signal.aborted) {
      await ended
      return
    }
    isGivenUp = true
    this.#limiter.stop({ dropWaitingJobs: true }).catch(() => undefined)
    this.#limiter = this.#newLimiter()
  }

  #newLimiter(): Bottleneck {
    return new Bottleneck({ minTime: this.#parts.settings().limit.intervalMs, maxConcurrent: 1 })
  }

  #tracked(call: Promise<void>): Promise<void> {
    this.#calling = call.catch(() => undefined)
    return call
  }

  async #isDue(): Promise<boolean> {
    const { queue, clock } = this.#parts
    const asked = { region: this.#region, nowMs: clock.nowMs(), longestPauseMs: this.#longestPauseMs() }
    return (await queue.plan(asked))?.regions[0]?.dueMs === 0
  }

  async #oneCall(): Promise<void> {
    const { clock, queue } = this.#parts
    await this.#untilNext()
    if (this.#stop.aborted) return
    await this.#prepared()
    if (this.#stop.aborted) return
    await expireJobs(this.#region, this.#parts)
    const claim = await this.#claim()
    if (claim === undefined) return
    await clock.waitUntil(claim.startAtMonoMs, this.#stop)
    if (this.#stop.aborted) {
      await queue.release(claim, clock.nowMs())
      return
    }
    const begun = this.#now()
    try {
      await queue.begin(claim, begun)
    } catch (error) {
      // it may have been written, and no call is made
      if (passes(error))
        await untilStored(this.#parts, () => queue.release(claim, clock.nowMs()), NO_CALL, this.#told)
      throw error
    }
    await this.#call(claim, begun.monoMs + LATEST_MS)
  }

  /** Waits for the next call's time. A pause that is longer than the pace ends when an operator flushes the region. */
  async #untilNext(): Promise<void> {
    const { clock, queue } = this.#parts
    const isLong = () => this.#notBeforeMonoMs - clock.monoMs() > 2 * LOOK_MS
    while (!this.#stop.aborted && isLong()) {
      await clock.waitUntil(clock.monoMs() + LOOK_MS, this.#stop)
      if ((await queue.flushedMs(this.#region)) > this.#rest.sinceMs)
        this.#notBeforeMonoMs = this.#rest.endsMonoMs
    }
    await clock.waitUntil(this.#notBeforeMonoMs - LEAD_MS, this.#stop)
  }

  /** With an account: gets credentials before a job is claimed, as its call must leave right after it has begun. */
  async #prepared(): Promise<void> {
    const { ses, clock, settings } = this.#parts
    const prepared = ses.prepare(this.#region)
    if (prepared === undefined) return
    const done = new AbortController()
    const signal = AbortSignal.any([this.#stop, done.signal])
    // STS is asked with a time limit of its own; this one is for a process that has to stop
    const limitMs = clock.monoMs() + settings().ses.timeoutMs * 2
    await Promise.race([prepared, clock.waitUntil(limitMs, signal)])
    done.abort()
  }

  #claim(): Eventually<Claim | undefined> {
    return this.#parts.queue.claim(this.#region, this.#now(), {
      spacingMs: this.#spacingMs(),
      notBeforeMonoMs: this.#notBeforeMonoMs,
      longestPauseMs: this.#longestPauseMs(),
      marginMs: this.#parts.settings().window.marginMs,
    })
  }

  #spacingMs(): number {
    const { intervalMs, slackMs } = this.#parts.settings().limit
    return this.#pace.intervalMs(intervalMs) + slackMs
  }

  get #blockedPauseMs(): number {
    return this.#parts.blockedPauseMs ?? BLOCKED_PAUSE_MS
  }

  #longestPauseMs(): number {
    return longestPauseMs(this.#parts.settings())
  }

  async #call(claim: Claim, notAfterMonoMs: MonoMs): Promise<void> {
    const { clock, queue, ses, settings, log, counts } = this.#parts
    const { job } = claim
    const begunMonoMs = clock.monoMs()
    const { outcome, seenMonoMs } = await ses.sendBounce(job.region, sendBounceInput(job), notAfterMonoMs)
    counts?.called(job.region, outcome.kind, clock.monoMs() - begunMonoMs)
    this.#learn(outcome)
    const nowMs = clock.nowMs()
    this.#rest = { sinceMs: nowMs, endsMonoMs: seenMonoMs + this.#spacingMs() }
    this.#notBeforeMonoMs = this.#rest.endsMonoMs + this.#extraPauseMs(outcome)
    const effect = effectOf(outcome, job, settings().queue, nowMs, this.#blockedPauseMs)
    const { slowdown } = this.#pace
    const { state, changes } = await untilStored(
      this.#parts,
      () => queue.settle(claim, effect, { ms: nowMs, seenMonoMs, slowdown }),
      OUTCOME,
    )
    this.#took(state)
    counts?.ended(job.region, state)
    for (const change of changes) log('error', describeChange(change))
    const fate = state === 'split' ? state : `state=${state}`
    log(levelOf(outcome, state), `${describe(job)} ${outcome.kind} ${fate}: ${effect.detail}`)
  }

  #learn(outcome: Outcome): void {
    if (outcome.kind === 'throttled') this.#pace.throttled(this.#parts.settings().limit.intervalMs)
    if (outcome.kind === 'sent' || outcome.kind === 'refused') this.#pace.taken()
  }

  #took(state: Settled['state']): void {
    const monoMs = this.#parts.clock.monoMs()
    this.#throughput.add(monoMs - this.#sinceMonoMs, state !== 'queued' && state !== 'split')
    this.#sinceMonoMs = monoMs
  }

  #extraPauseMs(outcome: Outcome): number {
    if (outcome.kind === 'temporary') return outcome.laneWaitMs ?? 0
    return outcome.kind === 'blocked' && outcome.scope === 'region' ? this.#blockedPauseMs : 0
  }

  #now(): Now {
    const { clock } = this.#parts
    return { ms: clock.nowMs(), monoMs: clock.monoMs() }
  }
}

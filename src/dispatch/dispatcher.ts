// Sends what is in the queue: per region one call at a time, spaced, soonest deadline first.
// Whatever fails, a job stays in the store; when the lead is lost, nothing more is sent until it is ours again.

import { errorMessage, isLasting, QueueError } from '../errors'
import { forecastSpacingMs } from '../queue/forecast'
import type { RegionPlan } from '../queue/store'
import { longestPauseMs } from './outcomes'
import { Pauses } from './pauses'
import { RegionSender, type RegionSenderParts, STORE_RETRY_MS } from './region-sender'

export type DispatcherParts = RegionSenderParts

/** How often the queue is looked at without being told. */
const POLL_MS = 200
/** How often at least what is due is looked up. */
const LOOK_MS = 5000
const BEAT_MS = 1000
/** A dead process on this machine loses the lead at once; one that only gives no heartbeat, after this. */
const STALE_MS = 8000
/** A job during whose calls so many dispatchers died is held: it may be the cause. */
const MOST_INTERRUPTIONS = 10
/** What a job takes changes over minutes. */
const FORECAST_MS = 10_000
/** A few at a time: six times as many as SES takes. */
const PRUNE_MS = 10_000

export class Dispatcher {
  readonly #parts: DispatcherParts
  readonly #stop = new AbortController()
  #wake = new AbortController()

  constructor(parts: DispatcherParts) {
    this.#parts = parts
  }

  /** Looks at the queue now rather than at the next poll. */
  wake(): void {
    this.#wake.abort()
  }

  /** Claims nothing more; `run` resolves when calls on their way have been recorded. */
  stop(): void {
    this.#stop.abort()
    this.#wake.abort()
  }

  /** Runs until `stop`. Rejects only on a fault of the store that doesn't pass. */
  async run(): Promise<void> {
    const { queue, log } = this.#parts
    while (!this.#stop.signal.aborted) {
      try {
        if (await this.#takeLead()) await this.#lead()
      } catch (error) {
        if (!(error instanceof QueueError) || isLasting(error)) throw error
        log('error', `${error.message}; trying again`)
        await this.#pause(STORE_RETRY_MS)
      }
    }
    try {
      await queue.giveUpLead()
    } catch (error) {
      log('warn', `the lead wasn't given up: ${errorMessage(error)}`)
    }
  }

  /** False: told to stop. */
  async #takeLead(): Promise<boolean> {
    const { queue, clock, log, settings } = this.#parts
    for (let tries = 0; !this.#stop.signal.aborted; tries++) {
      const lead = await queue.takeLead(
        { ms: clock.nowMs(), monoMs: clock.monoMs() },
        {
          staleMs: STALE_MS,
          unknownTries: settings().queue.unknownTries,
          interruptions: MOST_INTERRUPTIONS,
        },
      )
      if (lead) {
        for (const job of lead.found)
          log('notice', `job ${job.id} was left by an earlier dispatcher; it is ${job.state} now`)
        log('notice', 'dispatching')
        return true
      }
      if (tries === 0) log('notice', 'another dispatcher sends from this queue; waiting')
      await this.#pause(POLL_MS)
    }
    return false
  }

  /** Heartbeats go on to the end: a call in progress may outlast the time after which a silent dispatcher counts as gone. */
  async #lead(): Promise<void> {
    const beats = new Heartbeats(this.#parts, () => this.wake())
    const senders = new RegionSenders(this.#parts, this.#stop.signal, () => this.wake())
    try {
      await this.#dispatch(senders, beats)
    } finally {
      await beats.until(senders.close())
    }
  }

  async #dispatch(senders: RegionSenders, beats: Heartbeats): Promise<void> {
    const { queue, clock, settings } = this.#parts
    const pauses = new Pauses(this.#parts)
    let version = -1
    let nextDueMs = 0
    let lookMs = Number.NEGATIVE_INFINITY
    let pruneMs = Number.NEGATIVE_INFINITY
    let forecastMs = Number.NEGATIVE_INFINITY
    while (!this.#stop.signal.aborted) {
      const monoMs = clock.monoMs()
      if (monoMs - pruneMs >= PRUNE_MS) {
        await queue.prune(clock.nowMs() - settings().queue.keepMs)
        pruneMs = monoMs
      }
      const nowMs = clock.nowMs()
      // the wall clock may have been set: not only when something is said to be due
      const mustLook = nowMs >= nextDueMs || monoMs - lookMs >= LOOK_MS || senders.changed()
      const isForecastDue = mustLook && monoMs - forecastMs >= FORECAST_MS
      const plan = await queue.plan({
        nowMs,
        longestPauseMs: longestPauseMs(settings()),
        ...(!mustLook && { since: version }),
        ...(isForecastDue && {
          forecast: { spacingMs: forecastSpacingMs(settings().limit), regions: senders.spacings() },
        }),
      })
      if (plan) {
        // there may be more to expire than one look takes
        lookMs = (await pauses.look(plan)) > 0 ? Number.NEGATIVE_INFINITY : monoMs
        if (isForecastDue) forecastMs = monoMs
        version = plan.version
        nextDueMs = senders.start(plan.regions)
      }
      senders.rethrow()
      beats.rethrow()
      await this.#pause(POLL_MS)
    }
  }

  async #pause(ms: number): Promise<void> {
    const { clock } = this.#parts
    if (!this.#wake.signal.aborted) await clock.waitUntil(clock.monoMs() + ms, this.#wake.signal)
    if (!this.#stop.signal.aborted) this.#wake = new AbortController()
  }
}

/** From taking the lead until the last call has ended. A fault ends the dispatching; later ones are only logged. */
class Heartbeats {
  readonly #ended = new AbortController()
  #isDispatching = true
  readonly #beating: Promise<void>
  #fault: unknown

  constructor(parts: DispatcherParts, wake: () => void) {
    this.#beating = this.#beat(parts, wake)
  }

  /** Never rejects. */
  async #beat({ queue, clock, log }: DispatcherParts, wake: () => void): Promise<void> {
    const { signal } = this.#ended
    for (;;) {
      await clock.waitUntil(clock.monoMs() + BEAT_MS, signal)
      if (signal.aborted) return
      try {
        await queue.heartbeat(clock.monoMs())
      } catch (error) {
        if (!this.#isDispatching) log('warn', `no heartbeat could be written: ${errorMessage(error)}`)
        this.#fault = error
        wake()
      }
    }
  }

  rethrow(): void {
    if (this.#fault !== undefined) throw this.#fault
  }

  /** Resolves when the calls have ended. */
  async until(calls: Promise<void>): Promise<void> {
    this.#isDispatching = false
    await calls
    this.#ended.abort()
    await this.#beating
  }
}

/** The regions' senders between taking the lead and losing it. */
class RegionSenders {
  readonly #senders = new Map<string, RegionSender>()
  readonly #end = new AbortController()
  readonly #make: (plan: RegionPlan) => RegionSender

  constructor(parts: RegionSenderParts, stop: AbortSignal, ended: () => void) {
    const signal = AbortSignal.any([stop, this.#end.signal])
    this.#make = plan => new RegionSender(plan, parts, signal, ended)
  }

  /** Sets every region to work that has something due; returns when the next will be (epoch ms). */
  start(plans: readonly RegionPlan[]): number {
    let nextDueMs = Number.POSITIVE_INFINITY
    for (const plan of plans) {
      if (plan.dueMs === 0) this.#sender(plan).start()
      else nextDueMs = Math.min(nextDueMs, plan.dueMs ?? Number.POSITIVE_INFINITY)
    }
    return nextDueMs
  }

  /** What the forecasts are to count with, by region. */
  spacings(): ReadonlyMap<string, number> {
    return new Map([...this.#senders].map(([region, sender]) => [region, sender.spacingMs()]))
  }

  /** Whether a sender has ended since this was asked last. */
  changed(): boolean {
    return [...this.#senders.values()].filter(sender => sender.changed()).length > 0
  }

  rethrow(): void {
    for (const sender of this.#senders.values()) sender.rethrow()
  }

  /** Resolves when no call is on its way. */
  async close(): Promise<void> {
    this.#end.abort()
    await Promise.all([...this.#senders.values()].map(sender => sender.idle()))
  }

  #sender(plan: RegionPlan): RegionSender {
    const sender = this.#senders.get(plan.region) ?? this.#make(plan)
    this.#senders.set(plan.region, sender)
    return sender
  }
}

// Sends the jobs in the queue: one call at a time in each region, spaced, soonest deadline first.
// After any failure a job stays in the store. Without the lead nothing is sent.

import { errorMessage, isLasting, QueueError } from '../errors'
import { longestPauseMs } from '../queue/effects'
import { forecastSpacingMs } from '../queue/forecast'
import { Heartbeats } from './heartbeats'
import { Pauses } from './pauses'
import { QueueFaults } from './queue-faults'
import type { RegionSenderParts } from './region-sender'
import { RegionSenders } from './region-senders'
import { STORE_RETRY_MS } from './until-stored'

export type DispatcherParts = RegionSenderParts

/** Time between two polls of the queue. */
const POLL_MS = 200
/** The longest time between two searches for due jobs. */
const LOOK_MS = 5000
/** A process without a heartbeat loses the lead after this time; a dead one on this machine at once. */
const STALE_MS = 8000
/** While an earlier leader may be alive on another host, and still know the outcome of its call. */
const INTERRUPTED_PAUSE_MS = 60_000
/** If so many dispatchers died during a job's calls, the job is held, as it may be the cause. */
const MOST_INTERRUPTIONS = 10
/** Time between two updates of the forecast. The duration of jobs changes over minutes. */
const FORECAST_MS = 10_000
/** Time between two deletions of old jobs: each deletes six times as many as SES allows in that time. */
const PRUNE_MS = 10_000

/** Where the queue is of one host. */
const STANDS_BY = 'another dispatcher sends from this queue; waiting'

export class Dispatcher {
  readonly #parts: DispatcherParts
  readonly #faults: QueueFaults
  readonly #stop = new AbortController()
  #wake = new AbortController()
  #leads = false

  constructor(parts: DispatcherParts) {
    this.#parts = parts
    this.#faults = new QueueFaults(parts.log, 'the queue answers again')
  }

  /** Whether it has the lead, as far as this process knows. */
  get leads(): boolean {
    return this.#leads
  }

  /** Checks the queue now instead of at the next poll. */
  wake(): void {
    this.#wake.abort()
  }

  /** Claims no more jobs. `run` resolves when calls in progress have been recorded. */
  stop(): void {
    this.#stop.abort()
    this.#wake.abort()
  }

  /** Runs until `stop`. Rejects only for a permanent fault of the store. */
  async run(): Promise<void> {
    const { queue, log } = this.#parts
    while (!this.#stop.signal.aborted) {
      try {
        if (await this.#takeLead()) await this.#lead()
      } catch (error) {
        if (!(error instanceof QueueError) || isLasting(error)) throw error
        if (error.code === 'QUEUE_LOCK_LOST') log('error', error.message)
        else this.#faults.failed(error, 'trying again')
        await this.#pause(STORE_RETRY_MS)
      }
    }
    try {
      await queue.giveUpLead()
    } catch (error) {
      log('warn', `the lead wasn't given up: ${errorMessage(error)}`)
    }
  }

  /** False: it was stopped. */
  async #takeLead(): Promise<boolean> {
    const { queue, clock, log, settings } = this.#parts
    let said: string | undefined
    while (!this.#stop.signal.aborted) {
      const lead = await queue.takeLead(() => ({ ms: clock.nowMs(), monoMs: clock.monoMs() }), {
        staleMs: STALE_MS,
        unknownTries: settings().queue.unknownTries,
        interruptions: MOST_INTERRUPTIONS,
        pause: { pauseMs: INTERRUPTED_PAUSE_MS, marginMs: settings().window.marginMs },
      })
      this.#faults.works()
      if (lead) {
        for (const job of lead.found)
          log('notice', `job ${job.id} was left by an earlier dispatcher; it is ${job.state} now`)
        log('notice', queue.leaderElsewhere ? `leads, term ${lead.term}` : 'dispatching')
        return true
      }
      const leader = queue.leaderElsewhere?.()
      const standsBy = leader ? `host ${leader.host} leads; standing by` : STANDS_BY
      if (standsBy !== said) log('notice', standsBy)
      said = standsBy
      await this.#pause(leader?.askAgainMs ?? POLL_MS)
    }
    return false
  }

  async #lead(): Promise<void> {
    const beats = new Heartbeats(this.#parts, () => this.wake())
    const senders = new RegionSenders(this.#parts, this.#stop.signal, () => this.wake())
    this.#leads = true
    try {
      await this.#dispatch(senders, beats)
    } finally {
      this.#leads = false
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
      // also at times when nothing should be due, as the wall clock may have been set
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

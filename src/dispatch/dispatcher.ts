// Sends what is in the queue: per region one call at a time, spaced, soonest deadline first.
// Whatever fails, a job stays in the store; when the lock is lost, nothing more is sent until it is ours again.

import { errorMessage, isLasting, QueueError } from '../errors'
import { forecastSpacingMs } from '../queue/forecast'
import type { LeaseOwner } from '../queue/store'
import { longestPauseMs } from './outcomes'
import { Pauses } from './pauses'
import { RegionSender, type RegionSenderParts, STORE_RETRY_MS } from './region-sender'

export interface DispatcherParts extends RegionSenderParts {
  holder: LeaseOwner
}

/** How often the queue is looked at without being told. */
const POLL_MS = 200
/** How often at least what is due is looked up. */
const LOOK_MS = 5000
const BEAT_MS = 1000
/** A holder on this machine that is dead loses its lock at once; one that only gives no sign, after this. */
const STALE_MS = 8000
/** A job during whose calls so many dispatchers died is held: it may be the cause. */
const MOST_INTERRUPTIONS = 10
/** Setting the spacing anew holds workers up, for 0.2 s in a queue of a day. */
const SPACING_MS = 10_000
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

  /** Runs until `stop`. Rejects only on a fault of the store that no waiting mends. */
  async run(): Promise<void> {
    const { queue, log } = this.#parts
    while (!this.#stop.signal.aborted) {
      const lanes = new RegionSenders(this.#parts, this.#stop.signal, () => this.wake())
      try {
        await this.#takeLock()
        if (!this.#stop.signal.aborted) await this.#dispatch(lanes)
      } catch (error) {
        if (!(error instanceof QueueError) || isLasting(error)) throw error
        log('error', `${error.message}; trying again`)
        await this.#pause(STORE_RETRY_MS)
      } finally {
        await this.#beating(lanes.close())
      }
    }
    try {
      queue.unlock()
    } catch (error) {
      log('warn', `the lock wasn't given back: ${errorMessage(error)}`)
    }
  }

  /** A call that is on its way may outlast the time after which a silent holder counts as gone. */
  async #beating(work: Promise<void>): Promise<void> {
    const { queue, clock, log } = this.#parts
    const ended = new AbortController()
    const done = work.finally(() => ended.abort())
    while (!ended.signal.aborted) {
      await clock.waitUntil(clock.monoMs() + BEAT_MS, ended.signal)
      if (ended.signal.aborted) break
      try {
        queue.heartbeat(clock.monoMs())
      } catch (error) {
        log('warn', `no sign of life could be written: ${errorMessage(error)}`)
      }
    }
    await done
  }

  async #takeLock(): Promise<void> {
    const { queue, holder, clock, log, settings } = this.#parts
    for (let tries = 0; !this.#stop.signal.aborted; tries++) {
      if (queue.lock(holder, clock.monoMs(), STALE_MS)) break
      if (tries === 0) log('notice', 'another dispatcher sends from this queue; standing by')
      await this.#pause(POLL_MS)
    }
    if (this.#stop.signal.aborted) return
    const { unknownTries } = settings().queue
    const found = queue.recover(
      { ms: clock.nowMs(), monoMs: clock.monoMs() },
      { unknownTries, interruptions: MOST_INTERRUPTIONS },
    )
    for (const job of found)
      log('notice', `job ${job.id} was left by an earlier dispatcher; it is ${job.state} now`)
    log('notice', 'dispatching')
  }

  async #dispatch(lanes: RegionSenders): Promise<void> {
    const { queue, clock, settings } = this.#parts
    const pauses = new Pauses(this.#parts)
    let version = -1
    let nextDueMs = 0
    let lookMs = Number.NEGATIVE_INFINITY
    let beatMs = Number.NEGATIVE_INFINITY
    let pruneMs = Number.NEGATIVE_INFINITY
    let spacingMs = Number.NEGATIVE_INFINITY
    while (!this.#stop.signal.aborted) {
      const monoMs = clock.monoMs()
      if (monoMs - beatMs >= BEAT_MS) {
        queue.heartbeat(monoMs)
        beatMs = monoMs
      }
      if (monoMs - pruneMs >= PRUNE_MS) {
        queue.prune(clock.nowMs() - settings().queue.keepMs)
        pruneMs = monoMs
      }
      const seen = queue.version()
      const nowMs = clock.nowMs()
      // the wall clock may have been set: not only when something is said to be due
      if (seen !== version || nowMs >= nextDueMs || monoMs - lookMs >= LOOK_MS || lanes.changed()) {
        // there may be more to expire than one look takes
        lookMs = pauses.look() > 0 ? Number.NEGATIVE_INFINITY : monoMs
        version = seen
        if (monoMs - spacingMs >= SPACING_MS) {
          queue.setSpacing(forecastSpacingMs(settings().limit), lanes.spacings())
          spacingMs = monoMs
        }
        nextDueMs = lanes.start(queue.due(nowMs, longestPauseMs(settings())))
      }
      lanes.rethrow()
      await this.#pause(POLL_MS)
    }
  }

  async #pause(ms: number): Promise<void> {
    const { clock } = this.#parts
    if (!this.#wake.signal.aborted) await clock.waitUntil(clock.monoMs() + ms, this.#wake.signal)
    if (!this.#stop.signal.aborted) this.#wake = new AbortController()
  }
}

/** The regions' lanes between taking the lock and losing it. */
class RegionSenders {
  readonly #lanes = new Map<string, RegionSender>()
  readonly #end = new AbortController()
  readonly #make: (region: string) => RegionSender

  constructor(parts: RegionSenderParts, stop: AbortSignal, ended: () => void) {
    const signal = AbortSignal.any([stop, this.#end.signal])
    this.#make = region => new RegionSender(region, parts, signal, ended)
  }

  /** Sets every region to work that has something due; returns when the next will be (epoch ms). */
  start(due: readonly { region: string; dueMs: number }[]): number {
    let nextDueMs = Number.POSITIVE_INFINITY
    for (const { region, dueMs } of due) {
      if (dueMs === 0) this.#lane(region).start()
      else nextDueMs = Math.min(nextDueMs, dueMs)
    }
    return nextDueMs
  }

  /** What the forecasts are to count with, by region. */
  spacings(): ReadonlyMap<string, number> {
    return new Map([...this.#lanes].map(([region, lane]) => [region, lane.spacingMs()]))
  }

  /** Whether a lane has ended since this was asked last. */
  changed(): boolean {
    return [...this.#lanes.values()].filter(lane => lane.changed()).length > 0
  }

  rethrow(): void {
    for (const lane of this.#lanes.values()) lane.rethrow()
  }

  /** Resolves when no call is on its way. */
  async close(): Promise<void> {
    this.#end.abort()
    await Promise.all([...this.#lanes.values()].map(lane => lane.idle()))
  }

  #lane(region: string): RegionSender {
    const lane = this.#lanes.get(region) ?? this.#make(region)
    this.#lanes.set(region, lane)
    return lane
  }
}

// The senders of all regions, between taking the lead and losing it.

import type { RegionPlan } from '../queue/store'
import { RegionSender, type RegionSenderParts } from './region-sender'

export class RegionSenders {
  readonly #senders = new Map<string, RegionSender>()
  readonly #end = new AbortController()
  readonly #make: (plan: RegionPlan) => RegionSender

  constructor(parts: RegionSenderParts, stop: AbortSignal, ended: () => void) {
    const signal = AbortSignal.any([stop, this.#end.signal])
    this.#make = plan => new RegionSender(plan, parts, signal, stop, ended)
  }

  /** Starts the senders of all regions with due jobs. Returns when the next job is due (epoch ms). */
  start(plans: readonly RegionPlan[]): number {
    let nextDueMs = Number.POSITIVE_INFINITY
    for (const plan of plans) {
      if (plan.dueMs === 0) this.#sender(plan).start()
      else nextDueMs = Math.min(nextDueMs, plan.dueMs ?? Number.POSITIVE_INFINITY)
    }
    return nextDueMs
  }

  /** The spacings for the forecasts, by region. */
  spacings(): ReadonlyMap<string, number> {
    return new Map([...this.#senders].map(([region, sender]) => [region, sender.spacingMs()]))
  }

  /** Whether a sender has ended since the last call. */
  changed(): boolean {
    return [...this.#senders.values()].filter(sender => sender.changed()).length > 0
  }

  rethrow(): void {
    for (const sender of this.#senders.values()) sender.rethrow()
  }

  /** Resolves when no call is in progress. */
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

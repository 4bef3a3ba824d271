// The counts of one process that aren't flushed yet. In memory, of limited size. Counts that the store refuses stay
// here, and are flushed with later ones.

import type { EpochMs } from '../units'
import {
  type Counted,
  type CountedName,
  type DecisionNote,
  HOUR_MS,
  type Labels,
  labelsKey,
  MOST_SETS,
  type OnlyRecipients,
  OTHER,
  RECENT_DECISIONS,
  type Reload,
  type RuleHits,
  type Sum,
  withOthers,
} from './counters'
import type { Eventually } from './store'

/** The most reloads between two flushes. */
const MOST_RELOADS = 10
/** Older hours are dropped if the store can't be written for a day. */
const MOST_HOURS = 25

export class MetricsBuffer {
  readonly #sums = new Map<string, Sum>()
  readonly #sets = new Map<CountedName, number>()
  readonly #hits = new Map<string, RuleHits>()
  #decisions: DecisionNote[] = []
  #reloads: Reload[] = []
  readonly #onlyRecipients = new Map<number, OnlyRecipients>()

  count(name: CountedName, labels: Labels = {}, by = 1): void {
    const known = this.#sums.get(sumKey(name, labels))
    if (known !== undefined) {
      known.value += by
      return
    }
    const sets = this.#sets.get(name) ?? 0
    const kept = sets < MOST_SETS ? labels : withOthers(labels)
    const key = sumKey(name, kept)
    const sum = this.#sums.get(key) ?? { name, labels: kept, value: 0 }
    if (!this.#sums.has(key)) this.#sets.set(name, sets + 1)
    sum.value += by
    this.#sums.set(key, sum)
  }

  hit(rule: string, atMs: EpochMs, by = 1): void {
    const own = this.#hits.has(rule) || this.#hits.size < MOST_SETS ? rule : OTHER
    const { hits = 0, lastMs = atMs } = this.#hits.get(own) ?? {}
    this.#hits.set(own, { rule: own, hits: hits + by, lastMs: Math.max(lastMs, atMs) })
  }

  decided(note: DecisionNote): void {
    this.#decisions.push(note)
    if (this.#decisions.length > RECENT_DECISIONS) this.#decisions.shift()
  }

  reloaded(reload: Reload): void {
    this.#reloads = [...this.#reloads, reload].slice(-MOST_RELOADS)
  }

  /** A mail with one RCPT TO. `isBesideFor`, `isNotifyNever`: as RelaySigns has them. */
  onlyRecipient(atMs: EpochMs, isBesideFor: boolean, isNotifyNever: boolean): void {
    this.#addHour({
      hourMs: atMs - (atMs % HOUR_MS),
      mails: 1,
      besideFor: Number(isBesideFor),
      notifyNever: Number(isNotifyNever),
    })
  }

  isEmpty(): boolean {
    return (
      this.#sums.size === 0 &&
      this.#hits.size === 0 &&
      this.#decisions.length === 0 &&
      this.#reloads.length === 0 &&
      this.#onlyRecipients.size === 0
    )
  }

  /**
   * Calls `take` with all counts, and returns as it does. If it throws or rejects, they stay, before those that have come
   * meanwhile, and the error is passed on.
   */
  flushTo<R extends Eventually<void>>(take: (counted: Counted) => R): R {
    const counted = this.#clear()
    const failed = (error: unknown): never => {
      const newer = this.#clear()
      this.#add(counted)
      this.#add(newer)
      throw error
    }
    try {
      const taken = take(counted)
      return taken instanceof Promise ? (taken.catch(failed) as R) : taken
    } catch (error) {
      return failed(error)
    }
  }

  /** Returns what was there. */
  #clear(): Counted {
    const counted = {
      sums: [...this.#sums.values()],
      hits: [...this.#hits.values()],
      decisions: this.#decisions,
      reloads: this.#reloads,
      onlyRecipients: [...this.#onlyRecipients.values()],
    }
    this.#sums.clear()
    this.#sets.clear()
    this.#hits.clear()
    this.#decisions = []
    this.#reloads = []
    this.#onlyRecipients.clear()
    return counted
  }

  #add({ sums, hits, decisions, reloads, onlyRecipients }: Counted): void {
    for (const { name, labels, value } of sums) this.count(name, labels, value)
    for (const { rule, hits: number, lastMs } of hits) this.hit(rule, lastMs, number)
    for (const note of decisions) this.decided(note)
    for (const reload of reloads) this.reloaded(reload)
    for (const hour of onlyRecipients) this.#addHour(hour)
  }

  #addHour({ hourMs, ...more }: OnlyRecipients): void {
    const { mails = 0, besideFor = 0, notifyNever = 0 } = this.#onlyRecipients.get(hourMs) ?? {}
    const counted = {
      hourMs,
      mails: mails + more.mails,
      besideFor: besideFor + more.besideFor,
      notifyNever: notifyNever + more.notifyNever,
    }
    if (this.#onlyRecipients.size < MOST_HOURS || this.#onlyRecipients.has(hourMs))
      this.#onlyRecipients.set(hourMs, counted)
  }
}

function sumKey(name: CountedName, labels: Labels): string {
  return `${name} ${labelsKey(labels)}`
}

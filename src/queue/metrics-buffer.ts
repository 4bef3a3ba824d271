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

  hit(rule: string, atMs: EpochMs): void {
    const own = this.#hits.has(rule) || this.#hits.size < MOST_SETS ? rule : OTHER
    const { hits = 0, lastMs = atMs } = this.#hits.get(own) ?? {}
    this.#hits.set(own, { rule: own, hits: hits + 1, lastMs: Math.max(lastMs, atMs) })
  }

  decided(note: DecisionNote): void {
    this.#decisions.push(note)
    if (this.#decisions.length > RECENT_DECISIONS) this.#decisions.shift()
  }

  reloaded(reload: Reload): void {
    this.#reloads = [...this.#reloads, reload].slice(-MOST_RELOADS)
  }

  /** A mail with one RCPT TO. `isBesideFor`: as RelaySigns has it. */
  onlyRecipient(atMs: EpochMs, isBesideFor: boolean): void {
    const hourMs = atMs - (atMs % HOUR_MS)
    const { mails = 0, besideFor = 0 } = this.#onlyRecipients.get(hourMs) ?? {}
    const counted = { hourMs, mails: mails + 1, besideFor: besideFor + (isBesideFor ? 1 : 0) }
    if (this.#onlyRecipients.size < MOST_HOURS || this.#onlyRecipients.has(hourMs))
      this.#onlyRecipients.set(hourMs, counted)
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

  /** Calls `take` with all counts. If it throws, the counts stay, and the error is thrown. */
  flushTo(take: (counted: Counted) => void): void {
    take({
      sums: [...this.#sums.values()],
      hits: [...this.#hits.values()],
      decisions: this.#decisions,
      reloads: this.#reloads,
      onlyRecipients: [...this.#onlyRecipients.values()],
    })
    this.#sums.clear()
    this.#sets.clear()
    this.#hits.clear()
    this.#decisions = []
    this.#reloads = []
    this.#onlyRecipients.clear()
  }
}

function sumKey(name: CountedName, labels: Labels): string {
  return `${name} ${labelsKey(labels)}`
}

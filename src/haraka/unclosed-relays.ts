// Finds relays that remove the field that closes SES's results from most mail: such mail is never bounced, and only the
// administrator can change that. Warns once an hour for each relay. Memory is bounded.

import type { Receipt } from '../mail/facts'
import { NOT_ABOVE, NOT_CLOSED } from '../mail/ses-block'
import type { MonoMs } from '../units'

interface Counts {
  mails: number
  unclosed: number
}

const HOUR_MS = 3_600_000
/** Mails before a warning: fewer may be mails that someone edited. */
const FEWEST_MAILS = 3
/** Relays that are counted in an hour. Further ones are counted in the next. */
const MOST_RELAYS = 1000

export class UnclosedRelays {
  readonly #counts = new Map<string, Counts>()
  readonly #warned = new Set<string>()
  #hourEndsMonoMs = Number.NEGATIVE_INFINITY

  /** Counts a mail. Returns a warning for the log, at most once an hour. */
  note(relayIp: string, receipt: Receipt | undefined, nowMonoMs: MonoMs): string | undefined {
    if (receipt === undefined) return undefined
    if (nowMonoMs >= this.#hourEndsMonoMs) {
      this.#counts.clear()
      this.#warned.clear()
      this.#hourEndsMonoMs = nowMonoMs + HOUR_MS
    }
    const known = this.#counts.get(relayIp)
    if (known === undefined && this.#counts.size >= MOST_RELAYS) return undefined
    const counts = known ?? { mails: 0, unclosed: 0 }
    this.#counts.set(relayIp, counts)
    counts.mails++
    const { flaw } = receipt.authentication
    if (flaw === NOT_CLOSED || flaw === NOT_ABOVE) counts.unclosed++
    if (counts.mails < FEWEST_MAILS || counts.unclosed * 2 <= counts.mails || this.#warned.has(relayIp))
      return undefined
    this.#warned.add(relayIp)
    return `most mail of the relay ${relayIp} proves no sender, so it isn't bounced: ${flaw ?? NOT_CLOSED}; the relay must leave SES's fields unchanged`
  }
}

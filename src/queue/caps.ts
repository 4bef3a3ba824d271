// Finds the cap that a bounce would exceed, counting the earlier bounces of its own mail. Pure.

import { formatRate } from '../config/value-parsers'
import type { BounceRequest, Cap } from '../policy/decision'

const COUNTED_FOR: Record<Cap['by'], string> = {
  sender: 'for this sender',
  domain: "for the sender's domain",
  rule: 'by this rule',
}

/** Equal for caps that count the same bounces. */
export function capKey({ by, key }: Cap): string {
  return `${by} ${key}`
}

/** Each cap of the requests once. */
export function distinctCaps(requests: readonly BounceRequest[]): Cap[] {
  return [...new Map(requests.flatMap(({ caps }) => caps).map(cap => [capKey(cap), cap])).values()]
}

/** The text for a cap that is reached. */
export function capText({ rate, by }: Cap): string {
  return `more than ${formatRate(rate)} ${COUNTED_FOR[by]}`
}

export class CapRoom {
  readonly #counted: (cap: Cap) => number
  readonly #own = new Map<string, number>()

  /** `counted`: the number of bounces in the queue that count towards a cap now. */
  constructor(counted: (cap: Cap) => number) {
    this.#counted = counted
  }

  /** The fault, if a cap is reached. Recipients that share a call count once for their sender, and each for the rule. */
  fault({ caps }: BounceRequest, isNewCall: boolean): string | undefined {
    const full = countingCaps(caps, isNewCall).find(
      cap => this.#counted(cap) + (this.#own.get(capKey(cap)) ?? 0) >= cap.rate.count,
    )
    return full && capText(full)
  }

  /** Counts an admitted request for later ones. */
  count({ caps }: BounceRequest, isNewCall: boolean): void {
    for (const cap of countingCaps(caps, isNewCall).map(capKey))
      this.#own.set(cap, (this.#own.get(cap) ?? 0) + 1)
  }
}

function countingCaps(caps: readonly Cap[], isNewCall: boolean): Cap[] {
  return caps.filter(({ by }) => isNewCall || by === 'rule')
}

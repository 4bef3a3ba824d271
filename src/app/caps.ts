// Whether the bounces that a mail asks for are within the caps, those that it asked for itself counted.
// The queue looks again when it takes them, so that two workers can't pass together.

import { formatRate } from '../config/value-parsers'
import type { BounceRequest, Cap } from '../policy/decision'
import { callKey } from '../queue/calls'
import type { WorkerQueue } from '../queue/store'

const WHOSE: Record<Cap['by'], string> = {
  sender: 'for this sender',
  domain: "for the sender's domain",
  rule: 'by this rule',
}

/** One for each mail: says why a bounce is one too many; what it lets pass is counted. */
export function capper(
  queue: () => WorkerQueue,
  nowMs: number,
): (request: BounceRequest) => string | undefined {
  const calls = new Set<string>()
  const taken = new Map<string, number>()
  return request => {
    const call = callKey(request)
    const counting = request.caps.filter(({ by }) => by === 'rule' || !calls.has(call))
    const idOf = ({ by, key }: Cap) => `${by} ${key}`
    const full = counting.find(
      cap => queue().counted(cap, nowMs) + (taken.get(idOf(cap)) ?? 0) >= cap.rate.count,
    )
    if (full !== undefined) return `more than ${formatRate(full.rate)} ${WHOSE[full.by]}`
    calls.add(call)
    for (const cap of counting) taken.set(idOf(cap), (taken.get(idOf(cap)) ?? 0) + 1)
    return undefined
  }
}

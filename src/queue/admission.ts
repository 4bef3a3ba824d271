// Decides whether the bounces of one mail may enter the queue: each must start in time, make no other late, and be
// within the caps, counting the mail's earlier ones. Pure; used by the dry run and by the transaction that writes.

import { addressKey } from '../mail/address'
import type { BounceRequest, Cap } from '../policy/decision'
import type { AddressKey, EpochMs } from '../units'
import { callKey } from './calls'
import { CapRoom } from './caps'
import { type Forecast, latenessOf } from './forecast'
import { hasEnded, isRefused, type Submitted, type SubmittedJob } from './job'
import type { Ahead, KnownRecipient } from './store'

/** The queue's records. Each function is called only if its result matters. */
export interface QueueRecords {
  /** The recipients of that mail, by `addressKey`. */
  known(sesId: string): ReadonlyMap<AddressKey, KnownRecipient>
  counted(cap: Cap): number
  ahead(region: string, deadlineMs: EpochMs): Ahead
}

export const LATENESS_TEXTS = {
  itself: 'the queue is too long for its deadline',
  another: 'the queue is too long for later deadlines',
} as const

/**
 * The result of each request. `added` and `joined` have a job's id only if they join a waiting job. A refused request
 * doesn't count for the next ones. Without a forecast a queue of any length accepts them.
 */
export function admit(
  requests: readonly BounceRequest[],
  queue: QueueRecords,
  nowMs: EpochMs,
  forecast?: Forecast,
): Submitted[] {
  const room = new CapRoom(cap => queue.counted(cap))
  const newCalls = new Set<string>()
  const admitted = new Map<string, Partial<SubmittedJob>>()
  return requests.map(request => {
    const { sesId, recipient, region, deadlineMs } = request
    const { address } = recipient
    const key = addressKey(address)
    const known = queue.known(sesId)
    const earlier = known.get(key)
    if (earlier !== undefined) return { address, ...ofEarlier(earlier) }
    const own = `${sesId} ${key}`
    const twin = admitted.get(own)
    if (twin !== undefined) return { address, outcome: 'known', rule: request.rule, ...twin }

    const call = callKey(request)
    const waiting = [...known.values()].find(one => one.call === call)
    const isNewCall = waiting === undefined && !newCalls.has(call)
    const late =
      isNewCall && forecast !== undefined
        ? latenessOf(queue.ahead(region, deadlineMs), deadlineMs, nowMs, forecast, newCalls.size)
        : undefined
    if (late !== undefined) return { address, outcome: 'overloaded', detail: LATENESS_TEXTS[late] }
    const capped = room.fault(request, isNewCall)
    if (capped !== undefined) return { address, outcome: 'capped', detail: capped }

    room.count(request, isNewCall)
    const job = waiting === undefined ? {} : jobOf(waiting)
    admitted.set(own, job)
    if (isNewCall) newCalls.add(call)
    return { address, outcome: isNewCall ? 'added' : 'joined', ...job }
  })
}

/** A mail's bounces are written together or not at all. */
export function areAdmitted(results: readonly Submitted[]): boolean {
  return !results.some(isRefused)
}

function ofEarlier(earlier: KnownRecipient) {
  const { state, rule, kept } = earlier
  const job = jobOf(earlier)
  if (!hasEnded(state)) return { outcome: 'known' as const, rule, ...job }
  return { outcome: 'ended' as const, ...job, state, ...(kept !== undefined && { kept }) }
}

function jobOf({ jobId, state, createdAtMs }: KnownRecipient): SubmittedJob {
  return { jobId, state, createdAtMs }
}

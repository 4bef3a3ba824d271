// Submits the bounces of one mail to the queue, for the plugin and the API. Returns a result for each request.
// Only a fault of the store and a missing dispatcher are exceptions.

import type { Settings } from '../config/settings'
import { SesBounceError } from '../errors'
import type { BounceRequest, Decision } from '../policy/decision'
import { fallBack } from '../policy/fallback'
import type { Policy } from '../policy/rule'
import { admit } from '../queue/admission'
import { capKey, distinctCaps } from '../queue/caps'
import { type Forecast, forecastSpacingMs } from '../queue/forecast'
import { endedText, type Refused, type Submitted } from '../queue/job'
import type { AddOptions, Ahead, WorkerQueue } from '../queue/store'
import type { EpochMs, MonoMs } from '../units'

/** A restart takes less time: after it the dispatcher counts as missing. */
const SILENCE_MS = 120_000

export interface SubmitOptions extends Omit<AddOptions, 'forecast'> {
  nowMs: EpochMs
  forecast: Forecast
  /** Returns the results without writing anything. */
  dryRun?: boolean
}

export function forecast({ limit, window }: Settings, nowMonoMs: MonoMs): Forecast {
  return { nowMonoMs, spacingMs: forecastSpacingMs(limit), marginMs: window.marginMs }
}

/**
 * All requests are written, or none when a result is `ended`, `overloaded` or `capped`: the caller applies the fallbacks
 * and submits the rest. The queue decides again when it writes, so that two workers can't both pass.
 * Rejects with QueueError, and a dry run with NO_DISPATCHER when something would be added.
 */
export async function submit(
  requests: readonly BounceRequest[],
  queue: WorkerQueue,
  { nowMs, dryRun = false, ...options }: SubmitOptions,
): Promise<Submitted[]> {
  const [first] = requests
  if (first === undefined) return []
  if (!dryRun) return queue.add(requests, nowMs, options)
  const { sesId, region, deadlineMs } = first
  const caps = distinctCaps(requests)
  const { nowMonoMs } = options.forecast
  const ask = async (lane: string) => {
    const { known, bounce } = await queue.look({
      sesId,
      bounce: { region: lane, deadlineMs, caps, nowMonoMs },
      nowMs,
    })
    if (bounce === undefined) throw new Error('the queue has not answered for a bounce')
    return { known, bounce }
  }
  const { known, bounce } = await ask(region)
  // recipients of one mail may be in several accounts
  const others = new Map<string, Ahead>()
  for (const { region: lane } of requests)
    if (lane !== region && !others.has(lane)) others.set(lane, (await ask(lane)).bounce.ahead)
  const counts = new Map(caps.map((cap, index) => [capKey(cap), bounce.counted[index] ?? 0]))
  const records = {
    known: () => known,
    ahead: (lane: string) => others.get(lane) ?? bounce.ahead,
    counted: (cap: (typeof caps)[number]) => counts.get(capKey(cap)) ?? 0,
  }
  const results = admit(requests, records, nowMs, options.forecast)
  if (results.some(({ outcome }) => outcome !== 'known' && outcome !== 'ended')) mustBeAlive(bounce.silentMs)
  return results
}

/** Without a dispatcher bounces aren't accepted. It starts together with this process. */
function mustBeAlive(silentMs: number): void {
  const forMs = Math.min(silentMs, process.uptime() * 1000)
  if (forMs > SILENCE_MS)
    throw new SesBounceError('NO_DISPATCHER', `no dispatcher heartbeat for ${Math.round(forMs / 1000)} s`)
}

/** The fallback decision for a bounce that the queue refused. */
export function fallBackFor(policy: Policy, decision: Decision, refused: Refused): Decision {
  if (refused.outcome !== 'ended') {
    const reason = refused.outcome === 'capped' ? 'capped' : 'overload'
    return fallBack(policy, decision, reason, refused.detail)
  }
  const { state, jobId, kept } = refused
  const ended = fallBack(
    policy,
    decision,
    'ended',
    `its bounce has ${endedText(state)} already, as job ${jobId}`,
  )
  return kept === undefined ? ended : { ...ended, keptAs: kept }
}

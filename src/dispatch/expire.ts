// Jobs whose deadline passes before they can be sent.

import { describe } from './call-log'
import type { RegionSenderParts } from './region-sender'

/** Ends a bounded number of jobs whose last moment has passed; how many. */
export async function expireJobs(
  region: string,
  { queue, clock, settings, log, counts }: RegionSenderParts,
): Promise<number> {
  const expired = await queue.expire(region, clock.nowMs(), settings().window.marginMs)
  for (const job of expired) log('error', `${describe(job)} expired: ${job.reason ?? ''}`)
  counts?.ended(region, 'expired', expired.length)
  return expired.length
}

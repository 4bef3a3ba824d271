// Expires jobs whose deadline has passed before they could be sent.

import { describe } from './call-log'
import type { RegionSenderParts } from './region-sender'

/** Expires a limited number of jobs. Returns their number. */
export async function expireJobs(
  region: string,
  { queue, clock, settings, log, counts }: RegionSenderParts,
): Promise<number> {
  const expired = await queue.expire(region, clock.nowMs(), settings().window.marginMs)
  for (const job of expired) log('error', `${describe(job)} expired: ${job.reason ?? ''}`)
  counts?.ended(region, 'expired', expired.length)
  return expired.length
}

// The queue's numbers as every view shows them.

import type { Pace, QueueReader } from '../queue/operator'
import { withoutDispatcher } from '../queue/outlook'
import type { QueueStats } from '../queue/stats'
import type { EpochMs, MonoMs } from '../units'

/** @throws QueueError */
export async function queueStats(
  reader: Pick<QueueReader, 'stats'>,
  now: { ms: EpochMs; monoMs: MonoMs },
  pace: Pace,
): Promise<QueueStats> {
  return withoutDispatcher(await reader.stats(now, pace))
}

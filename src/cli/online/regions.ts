// Finds the regions for `check --online`: those of [ses] regions, and those in the queue.
// Reads the queue's file without changing anything. If it can't be read, that is reported, and the check continues.

import { statSync } from 'node:fs'
import { signatureOfFault } from '../../config/sources'
import { errorMessage, QueueError } from '../../errors'
import { openQueueReader } from '../../queue/open'
import type { QueueTarget } from '../../queue/target'
import type { OnlineAnswer, RegionAnswers } from './online'

export type Region = Pick<RegionAnswers, 'region' | 'from'>

export function regionsOf(configured: readonly string[], seen: readonly string[]): Region[] {
  const others = seen.filter(region => !configured.includes(region))
  return [
    ...configured.map(region => ({ region, from: 'configured' as const })),
    ...others.map(region => ({ region, from: 'seen' as const })),
  ]
}

/** Without a file there are no regions. `askDatabase` reports the faults of a database, with a remedy. */
export async function seenRegions(target: QueueTarget): Promise<{ regions: string[]; note?: OnlineAnswer }> {
  try {
    if (target.store === 'sqlite' && !isThere(target.file)) return { regions: [] }
    const reader = await openQueueReader(target, { untouched: true })
    try {
      return { regions: await reader.regions() }
    } finally {
      await reader.close()
    }
  } catch (error) {
    if (target.store !== 'sqlite' && error instanceof QueueError) return { regions: [] }
    const reason = errorMessage(error)
    const message = `which regions were seen could not be established: ${reason}`
    return { regions: [], note: { result: 'unestablished', message } }
  }
}

function isThere(file: string): boolean {
  try {
    return statSync(file).isFile()
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(signatureOfFault(error))) return false
    throw error
  }
}

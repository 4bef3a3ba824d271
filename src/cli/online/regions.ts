// Finds the regions for `check --online`: those of [ses] regions, and those in the queue.
// Reads the queue's file without changing anything. If it can't be read, that is reported, and the check continues.

import { statSync } from 'node:fs'
import { signatureOfFault } from '../../config/sources'
import { errorMessage } from '../../errors'
import { openQueueReader } from '../../queue/open'
import type { OnlineAnswer, RegionAnswers } from './online'

export type Region = Pick<RegionAnswers, 'region' | 'from'>

export function regionsOf(configured: readonly string[], seen: readonly string[]): Region[] {
  const others = seen.filter(region => !configured.includes(region))
  return [
    ...configured.map(region => ({ region, from: 'configured' as const })),
    ...others.map(region => ({ region, from: 'seen' as const })),
  ]
}

/** No file, no regions. */
export function seenRegions(queueFile: string): { regions: string[]; note?: OnlineAnswer } {
  try {
    if (!isThere(queueFile)) return { regions: [] }
    const reader = openQueueReader(queueFile, { untouched: true })
    try {
      return { regions: reader.regions() }
    } finally {
      reader.close()
    }
  } catch (error) {
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

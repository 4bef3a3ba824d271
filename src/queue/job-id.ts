// The ids of jobs, which the process that makes a job gives it.

import { randomInt } from 'node:crypto'
import type { EpochMs } from '../units'

const IDS_OF_A_MS = 36 ** 5
let lastId = { ms: Number.NaN, number: 0 }

/**
 * An id that is short enough to type, in order of time. Of its 60 million values for each millisecond, a process begins
 * with any and goes on with the next: however many it asks for, none comes twice.
 */
export function newJobId(nowMs: EpochMs): string {
  const number = nowMs === lastId.ms ? (lastId.number + 1) % IDS_OF_A_MS : randomInt(IDS_OF_A_MS)
  lastId = { ms: nowMs, number }
  return nowMs.toString(36) + number.toString(36).padStart(5, '0')
}

// An option that is a time: an absolute one, or how long ago.

import { DURATION_FORM } from '../config/values'
import type { EpochMs } from '../units'
import { UsageError } from './command-line'
import { parseAt } from './explain/options'

export const TIME_FORM = `a time as 2025-02-20T12:38:04Z, or how long ago: ${DURATION_FORM}`

/** The time in the form of the option: the present time is the queue's, which isn't open yet. */
export type GivenTime = { timeMs: EpochMs } | { agoMs: number }

/** Reads the value of an option. */
export function pastTime(option: string): (text: string) => GivenTime {
  return text => {
    const at = parseAt(text.trim())
    if (at === undefined)
      throw new UsageError(`${option} can't be ${JSON.stringify(text.slice(0, 60))}; write ${TIME_FORM}`)
    return 'timeMs' in at ? at : { agoMs: at.afterMs }
  }
}

export function timeAt(time: GivenTime, nowMs: EpochMs): EpochMs {
  return 'timeMs' in time ? time.timeMs : nowMs - time.agoMs
}

/** Reads the value of an option, by this machine's clock. */
export function timeOption(option: string, nowMs = () => Date.now()): (text: string) => EpochMs {
  return text => timeAt(pastTime(option)(text), nowMs())
}

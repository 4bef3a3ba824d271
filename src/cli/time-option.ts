// An option that is a time: an absolute one, or how long ago.

import { DURATION_FORM } from '../config/values'
import type { EpochMs } from '../units'
import { UsageError } from './command-line'
import { parseAt } from './explain/options'

export const TIME_FORM = `a time as 2025-02-20T12:38:04Z, or how long ago: ${DURATION_FORM}`

/** Reads the value of an option. */
export function timeOption(option: string, nowMs = () => Date.now()): (text: string) => EpochMs {
  return text => {
    const at = parseAt(text)
    if (at === undefined) throw new UsageError(`${option} can't be "${text}"; write ${TIME_FORM}`)
    return 'timeMs' in at ? at.timeMs : nowMs() - at.afterMs
  }
}

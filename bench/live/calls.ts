// Waits for calls at the emulator. Rejects if they don't come, or if one is refused.

import type { Call } from '../../src/ses-emulator/call'
import type { SesEmulator } from '../../src/ses-emulator/options'

/** Waiting time in addition to the pace. */
const PATIENCE_MS = 60_000

/** Resolves with the first `count` calls. */
export async function callsOf(
  ses: SesEmulator,
  count: number,
  timeMs = PATIENCE_MS,
): Promise<readonly Call[]> {
  await new Promise<void>((resolve, reject) => {
    const fail = () => reject(new Error(`only ${ses.calls.length} of ${count} calls came`))
    const timer = setTimeout(fail, timeMs)
    const look = () => {
      if (ses.calls.length < count) return
      clearTimeout(timer)
      ses.off('call', look)
      resolve()
    }
    ses.on('call', look)
    look()
  })
  const calls = ses.calls.slice(0, count)
  const refused = calls.find(({ outcome }) => outcome.status !== 200)
  if (refused) throw new Error(`a call was answered with ${refused.outcome.code}: ${refused.outcome.message}`)
  return calls
}

// Has the quarantine cleaned, a bit each minute, as long as the dispatcher's process lives.
// Never rejects: what can't be removed is said once a day at most, and tried again.

import type { Cleaner } from '../quarantine/clean'
import type { Clock } from './clock'
import type { Log } from './region-lane'

const EVERY_MS = 60_000
const SAID_EVERY_MS = 86_400_000

export async function keepClean(
  cleaner: Cleaner,
  keepMs: () => number,
  { clock, log, stop }: { clock: Clock; log: Log; stop: AbortSignal },
): Promise<void> {
  let saidMs = Number.NEGATIVE_INFINITY
  while (!stop.aborted) {
    const { removed, faults } = await cleaner.clean(clock.nowMs(), keepMs())
    if (removed > 0) log('info', `quarantine: ${removed} files removed, as [quarantine] keep has passed`)
    const [first] = faults
    if (first !== undefined && clock.monoMs() - saidMs >= SAID_EVERY_MS) {
      log('warn', `quarantine: ${faults.length} files can't be removed, the first: ${first}`)
      saidMs = clock.monoMs()
    }
    await clock.waitUntil(clock.monoMs() + EVERY_MS, stop)
  }
  await cleaner.close()
}

// `queue drain`: whether everything has been sent; with --wait, until it has.
// Where it can't be (paused, no dispatcher) that is said, and it ends with 1 rather than wait for ever.

import { jsonText } from '../../json'
import { type QueueOverview, SILENT_MS } from '../../queue/overview'
import { count } from '../explain/words'
import { drainBar, drainSince, drainText } from './progress'
import type { Run } from './run'
import { Picture } from './watch'

const LOOK_MS = 500
/** From line to line where there is no terminal. */
const SAY_MS = 10_000
const BAR = 30

export async function drain(run: Run, options: { wait: boolean; timeoutMs?: number }): Promise<number> {
  const { place, json, nowMs, monoMs, sleep } = run
  const startMs = monoMs()
  const first = place.queue.overview(nowMs(), place.pace)
  const say = teller(run, first)
  for (;;) {
    const overview = place.queue.overview(nowMs(), place.pace)
    const { waiting } = drainSince(first, overview)
    const passedMs = monoMs() - startMs
    const why = waiting === 0 ? undefined : whyNot(overview, passedMs, monoMs(), options)
    if (waiting > 0 && why === undefined) {
      say(overview)
      await sleep(LOOK_MS)
      continue
    }
    const held = overview.states.held
    if (json) {
      run.out.line(jsonText({ drained: waiting === 0, waiting, held, ...(why && { why }) }))
    } else {
      const kept = held > 0 ? `; ${count(held, 'job')} held, which nobody sends` : ''
      run.out.line(
        waiting === 0
          ? `Nothing waits${kept}.`
          : `Not drained: ${count(waiting, 'job')} to send${kept}: ${why ?? ''}.`,
      )
    }
    return waiting === 0 ? 0 : 1
  }
}

function whyNot(
  { regions, states, dispatcherBeatMonoMs = Number.NEGATIVE_INFINITY }: QueueOverview,
  passedMs: number,
  monoMs: number,
  { wait, timeoutMs }: { wait: boolean; timeoutMs?: number },
): string | undefined {
  const waiting = regions.filter(({ queued }) => queued > 0)
  if (states.sending === 0 && waiting.length > 0 && waiting.every(one => one.pausedSinceMs !== undefined))
    return `paused: ${waiting.map(({ region }) => region).join(', ')}`
  if (!wait) return '--wait waits for them'
  if (timeoutMs !== undefined && passedMs >= timeoutMs) return 'the time is up'
  // one that has just ended may be starting again
  if (monoMs - dispatcherBeatMonoMs > SILENT_MS && passedMs > SILENT_MS) return 'no dispatcher runs'
  return undefined
}

/** Tells how far it is: a bar on a terminal, else a line now and then; nothing to programs. */
function teller(run: Run, first: QueueOverview): (overview: QueueOverview) => void {
  const { screen, json, out, nowMs, monoMs } = run
  if (json) return () => undefined
  if (screen) {
    const picture = new Picture(screen)
    return overview => picture.draw([drainBar(drainSince(first, overview), BAR)])
  }
  let saidMs = Number.NEGATIVE_INFINITY
  return overview => {
    if (monoMs() - saidMs < SAY_MS) return
    saidMs = monoMs()
    out.line(`${new Date(nowMs()).toISOString()} ${drainText(drainSince(first, overview))}`)
  }
}

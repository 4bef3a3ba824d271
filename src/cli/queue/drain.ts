// `queue drain`: shows whether everything has been sent. With --wait it waits for that; if it can't happen (paused, no
// dispatcher), it shows the reason and exits with 1.

import { jsonText } from '../../json'
import { isDispatching, type QueueStats, SILENT_MS } from '../../queue/stats'
import { count } from '../explain/words'
import { drainBar, drainSince, drainText } from './progress'
import { type Run, statsOf } from './run'
import { Picture } from './watch'

const LOOK_MS = 500
/** Time between two lines without a terminal. */
const SAY_MS = 10_000
const BAR = 30

export async function drain(run: Run, options: { wait: boolean; timeoutMs?: number }): Promise<number> {
  const { json, monoMs, sleep } = run
  const startMs = monoMs()
  const first = await statsOf(run)
  const say = teller(run, first)
  for (;;) {
    const stats = await statsOf(run)
    const { waiting } = drainSince(first, stats)
    const passedMs = monoMs() - startMs
    const why = waiting === 0 ? undefined : whyNot(stats, passedMs, options)
    if (waiting > 0 && why === undefined) {
      say(stats)
      await sleep(LOOK_MS)
      continue
    }
    const held = stats.states.held
    if (json) {
      run.out.line(jsonText({ drained: waiting === 0, waiting, held, ...(why && { why }) }))
    } else {
      const kept = held > 0 ? `; ${count(held, 'job')} held until you retry or cancel` : ''
      run.out.line(
        waiting === 0
          ? `No jobs are waiting${kept}.`
          : `Not drained: ${count(waiting, 'job')} to send: ${why ?? ''}${kept}.`,
      )
    }
    return waiting === 0 ? 0 : 1
  }
}

function whyNot(
  stats: QueueStats,
  passedMs: number,
  { wait, timeoutMs }: { wait: boolean; timeoutMs?: number },
): string | undefined {
  const { regions, states } = stats
  const waiting = regions.filter(({ queued }) => queued > 0)
  if (states.sending === 0 && waiting.length > 0 && waiting.every(one => one.pausedSinceMs !== undefined))
    return `paused: ${waiting.map(({ region }) => region).join(', ')}`
  if (!wait) return '--wait waits for them'
  if (timeoutMs !== undefined && passedMs >= timeoutMs) return 'the time is up'
  // one that has just ended may be starting again
  if (!isDispatching(stats) && passedMs > SILENT_MS) return 'no dispatcher runs'
  return undefined
}

/** Shows the progress: a bar on a terminal, else lines; nothing with --json. */
function teller(run: Run, first: QueueStats): (stats: QueueStats) => void {
  const { screen, json, out, nowMs, monoMs } = run
  if (json) return () => undefined
  if (screen) {
    const picture = new Picture(screen)
    return stats => picture.draw([drainBar(drainSince(first, stats), BAR)])
  }
  let saidMs = Number.NEGATIVE_INFINITY
  return stats => {
    if (monoMs() - saidMs < SAY_MS) return
    saidMs = monoMs()
    out.line(`${new Date(nowMs()).toISOString()} ${drainText(drainSince(first, stats))}`)
  }
}

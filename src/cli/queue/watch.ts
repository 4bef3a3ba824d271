// `queue watch`: shows the queue until Ctrl-C, on a terminal as one picture that is redrawn, else as lines.
// Exits with 0; a fault of the queue ends it as any other command.

import { verdictData } from '../../app/verdict-settings'
import { jsonText } from '../../json'
import { JOB_STATES } from '../../queue/job'
import type { Pace } from '../../queue/operator'
import type { QueueStats } from '../../queue/stats'
import { type Verdict, verdictOf } from '../../queue/verdict'
import type { EpochMs } from '../../units'
import { escapeControls } from '../out'
import { timeOf } from './job-text'
import { drainBar, drainSince, drainText } from './progress'
import { type Run, type Screen, statsOf } from './run'
import { dispatcherText, pauseText, regionText, statsData } from './stats-text'

const ON_SCREEN_MS = 2000
const AS_LINES_MS = 5000
const BAR = 30

export async function watch(run: Run, everyMs: number | undefined): Promise<number> {
  const { place, out, json, nowMs, sleep } = run
  const stop = run.stopped()
  const screen = json ? undefined : run.screen
  const picture = screen && new Picture(screen)
  let first: QueueStats | undefined
  while (!stop.aborted) {
    const now = nowMs()
    const stats = await statsOf(run)
    first ??= stats
    const verdict = verdictOf(stats, place.verdict, now)
    if (picture) picture.draw(pictureLines(verdict, { first, stats }, place.pace, now))
    else if (json) out.line(jsonText({ ...verdictData(verdict, now), ...statsData(stats, place.pace, now) }))
    else out.line(watchLine(verdict, { first, stats }, now))
    await sleep(everyMs ?? (screen ? ON_SCREEN_MS : AS_LINES_MS), stop)
  }
  return 0
}

interface Readings {
  first: QueueStats
  stats: QueueStats
}

/** `2025-02-20T12:38:04.000Z Sending; 120 jobs to send, drained in 2m; 34 jobs ended since` */
export function watchLine({ line }: Verdict, { first, stats }: Readings, nowMs: EpochMs): string {
  return `${new Date(nowMs).toISOString()} ${line}; ${drainText(drainSince(first, stats))}`
}

function pictureLines({ line }: Verdict, { first, stats }: Readings, pace: Pace, nowMs: EpochMs): string[] {
  const { states, regions, pauses } = stats
  return [
    `${timeOf(nowMs)}, Ctrl-C ends`,
    line,
    drainBar(drainSince(first, stats), BAR),
    JOB_STATES.map(state => `${state} ${states[state].toLocaleString('en-US')}`).join('  '),
    ...pauses.map(pauseText),
    dispatcherText(stats),
    ...regions.map(region => regionText(region, nowMs, pace)),
  ]
}

/** Lines that are drawn over the ones before. They must not wrap, or the next drawing would begin in the wrong line. */
export class Picture {
  readonly #screen: Screen
  #drawn = 0

  constructor(screen: Screen) {
    this.#screen = screen
  }

  draw(lines: readonly string[]): void {
    // a terminal that doesn't know its size says 0
    const columns = this.#screen.columns || 80
    const rows = this.#screen.rows || 24
    const shown = lines.slice(0, rows - 1).map(line => escapeControls(line).slice(0, columns - 1))
    // ECMA-48: "cursor preceding line", then "erase in page" to its end
    const back = this.#drawn > 0 ? `\u001B[${this.#drawn}F\u001B[J` : ''
    this.#screen.write(`${back}${shown.join('\n')}\n`)
    this.#drawn = shown.length
  }
}

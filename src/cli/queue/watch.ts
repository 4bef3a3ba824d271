// `queue watch`: the queue as it goes on, until Ctrl-C. On a terminal one picture that is drawn anew, else a line each time.
// Ends with 0; a fault of the queue ends it as any other command.

import { jsonText } from '../../json'
import { JOB_STATES } from '../../queue/job'
import type { QueueOverview } from '../../queue/overview'
import type { Pace, Pause } from '../../queue/store'
import { escapeControls } from '../out'
import { timeOf } from './job-text'
import { dispatcherText, type Moment, overviewData, pauseText, regionText } from './overview-text'
import { drainBar, drainSince, drainText } from './progress'
import type { Run, Screen } from './run'

const ON_SCREEN_MS = 2000
const AS_LINES_MS = 5000
const BAR = 30

export async function watch(run: Run, everyMs: number | undefined): Promise<number> {
  const { place, out, json, nowMs, monoMs, sleep } = run
  const stop = run.stopped()
  const screen = json ? undefined : run.screen
  const picture = screen && new Picture(screen)
  let first: QueueOverview | undefined
  while (!stop.aborted) {
    const moment = { nowMs: nowMs(), monoMs: monoMs() }
    const overview = place.queue.overview(moment.nowMs, place.pace)
    const pauses = place.queue.pauses()
    first ??= overview
    if (picture) picture.draw(pictureLines(first, overview, pauses, place.pace, moment))
    else if (json) out.line(jsonText(overviewData(overview, pauses, place.pace, moment)))
    else out.line(watchLine(first, overview, pauses, moment))
    await sleep(everyMs ?? (screen ? ON_SCREEN_MS : AS_LINES_MS), stop)
  }
  return 0
}

/** `2025-02-20T12:38:04.000Z 120 jobs to send, drained in 2m; 34 jobs ended since; held 2` */
export function watchLine(
  first: QueueOverview,
  overview: QueueOverview,
  pauses: readonly Pause[],
  { nowMs, monoMs }: Moment,
): string {
  const { held } = overview.states
  return [
    `${new Date(nowMs).toISOString()} ${drainText(drainSince(first, overview))}`,
    ...(held > 0 ? [`${held} held`] : []),
    ...pauses.map(({ region }) => `paused: ${region ?? 'every region'}`),
    dispatcherText(overview, monoMs),
  ].join('; ')
}

function pictureLines(
  first: QueueOverview,
  overview: QueueOverview,
  pauses: readonly Pause[],
  pace: Pace,
  { nowMs, monoMs }: Moment,
): string[] {
  const { states, regions } = overview
  return [
    `${timeOf(nowMs)}, Ctrl-C ends`,
    drainBar(drainSince(first, overview), BAR),
    JOB_STATES.map(state => `${state} ${states[state].toLocaleString('en-US')}`).join('  '),
    ...pauses.map(pauseText),
    dispatcherText(overview, monoMs),
    ...regions.map(region => regionText(region, nowMs, pace)),
  ]
}

/** Lines that are drawn over those before. They must not wrap, or the next would begin in the middle of them. */
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

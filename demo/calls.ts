// Shows the calls that reach SES, each with its time and the gap before it, while the queue empties.
// Rejects when the signal is aborted. If the queue doesn't empty in time, it stops waiting, and the table shows it.

import { setTimeout as pause } from 'node:timers/promises'
import type { Call } from '../src/ses-emulator/call'
import { countJobs, keepsMail } from './evidence'
import type { Sample } from './samples'
import { callHeading, callLine, progressText, title, wordsLine } from './show'
import type { Stage } from './stage'

const LOOK_MS = 50
/** The time limit. The bounces of all samples take less, even on a slow machine. */
const LONGEST_MS = 60_000

/** Shows calls too that came while mails were being sent. `startMs`: monotonic. */
export async function showCalls(stage: Stage, samples: readonly Sample[], startMs: number): Promise<void> {
  const { terminal, ses, dir, stop } = stage
  terminal.line()
  terminal.line(title('The queue empties: one call a second, soonest deadline first', terminal))
  terminal.line()
  terminal.line(callHeading(terminal))
  const endMs = performance.now() + LONGEST_MS
  let shown = 0
  for (;;) {
    // counted before the calls are shown, so that the call of an ended job is among them
    const { open, all } = await countJobs(dir)
    for (const [index, call] of ses.calls.entries()) {
      if (index < shown) continue
      terminal.line(callLine(call, about(call, ses.calls[index - 1], samples, startMs), terminal))
      if (sampleOf(call, samples)?.isRefused) terminal.line(wordsLine(call, terminal))
    }
    shown = ses.calls.length
    // the table also needs the outcome of mail whose bounce was refused
    if ((open === 0 && !keepsMail(dir)) || performance.now() > endMs) break
    terminal.status(progressText(all - open, all, terminal))
    await pause(LOOK_MS, undefined, { signal: stop })
  }
  terminal.status('')
}

function sampleOf({ input }: Call, samples: readonly Sample[]): Sample | undefined {
  return samples.find(({ sesId }) => sesId === input?.OriginalMessageId)
}

function about(
  call: Call,
  before: Call | undefined,
  samples: readonly Sample[],
  startMs: number,
): Parameters<typeof callLine>[1] {
  const sample = sampleOf(call, samples)
  return {
    number: sample && samples.indexOf(sample) + 1,
    sender: sample?.known?.sender ?? sample?.handed.from ?? '',
    sinceStartMs: call.atMs - startMs,
    gapMs: before && call.atMs - before.atMs,
  }
}

// Plays the samples: hands them over, shows the calls as they come, and compares what happened with what should.
// Ends early with a rejection when the signal is aborted or Haraka can't be reached.

import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Call } from '../local-ses/call'
import type { LocalSes } from '../local-ses/options'
import { actionText, decisionsOf, whyText } from './decisions'
import { countJobs, fateText } from './evidence'
import { HarakaLog, type LogLine } from './haraka-log'
import type { Sample } from './samples'
import {
  callHeading,
  callLine,
  mailHeading,
  mailLine,
  progressText,
  type Result,
  seconds,
  tableHeading,
  tableLine,
  title,
} from './show'
import { handOver } from './smtp'
import type { Terminal } from './terminal'

export interface Stage {
  dir: string
  port: number
  ses: LocalSes
  terminal: Terminal
  stop: AbortSignal
}

/** SES API: SendBounce takes one call a second. */
const SES_INTERVAL_MS = 1000
/** The log may be written a little after the reply. */
const LOG_MS = 500
const LOOK_MS = 50
/** No bounce of the samples takes so long, even on a slow machine. */
const LONGEST_MS = 60_000

/** True: every sample had its outcome. */
export async function play(stage: Stage, samples: readonly Sample[]): Promise<boolean> {
  const startMs = Number(process.hrtime.bigint()) / 1e6
  const results = await handAll(stage, samples)
  await showCalls(stage, samples, startMs)
  return compare(stage, results)
}

async function handAll(stage: Stage, samples: readonly Sample[]): Promise<Result[]> {
  const { terminal, port, dir } = stage
  const log = new HarakaLog(path.join(dir, 'haraka.log'))
  const results: Result[] = []
  terminal.line(title(`${samples.length} mails, handed over as by a relay behind SES`, terminal))
  terminal.line()
  terminal.line(mailHeading(terminal))
  for (const [index, sample] of samples.entries()) {
    stage.stop.throwIfAborted()
    log.news()
    const reply = await handOver(port, sample.handed)
    const lines = await said(log, sample)
    const action = actionText(decisionsOf(lines, sample.sesId))
    const result = { sample, number: index + 1, reply, action, why: whyText(lines, sample.sesId) }
    terminal.line(mailLine(result, terminal))
    results.push(result)
  }
  return results
}

/** Until there is a decision for each recipient. */
async function said(log: HarakaLog, { sesId, handed }: Sample): Promise<LogLine[]> {
  const lines: LogLine[] = []
  const endMs = performance.now() + LOG_MS
  do {
    lines.push(...log.news())
    if (decisionsOf(lines, sesId).length >= handed.to.length) break
    await pause(LOOK_MS)
  } while (performance.now() < endMs)
  return lines
}

/** Those that came while mails were handed over come first; returns when no job is left to send. */
async function showCalls(stage: Stage, samples: readonly Sample[], startMs: number): Promise<void> {
  const { terminal, ses, dir, stop } = stage
  terminal.line()
  terminal.line(title('The queue empties: one call a second, soonest deadline first', terminal))
  terminal.line()
  terminal.line(callHeading(terminal))
  const endMs = performance.now() + LONGEST_MS
  let shown = 0
  for (;;) {
    const { open, all } = countJobs(dir)
    for (const call of ses.calls.slice(shown)) {
      terminal.line(sampleCallLine(call, ses.calls[shown - 1], samples, startMs, terminal))
      shown++
    }
    if (open === 0 || performance.now() > endMs) break
    terminal.status(progressText(all - open, all, terminal))
    await pause(LOOK_MS, undefined, { signal: stop })
  }
  terminal.status('')
}

function sampleCallLine(
  call: Call,
  before: Call | undefined,
  samples: readonly Sample[],
  startMs: number,
  terminal: Terminal,
): string {
  const index = samples.findIndex(({ sesId }) => sesId === call.input?.OriginalMessageId)
  const sender = samples[index]?.known?.sender ?? samples[index]?.handed.from ?? ''
  const sinceStartMs = call.atMs - startMs
  const gapMs = before && call.atMs - before.atMs
  return callLine(call, { number: index < 0 ? undefined : index + 1, sender, sinceStartMs, gapMs }, terminal)
}

function compare({ dir, ses, terminal }: Stage, results: readonly Result[]): boolean {
  terminal.line()
  terminal.line(title('What became of each', terminal))
  terminal.line()
  terminal.line(tableHeading(terminal))
  const places = { dir, calls: ses.calls }
  let wrong = 0
  for (const result of results) {
    const { sample, reply, why } = result
    const happens = fateText(sample, reply, places)
    const isOk =
      reply.code === sample.expected.code &&
      happens === sample.expected.happens &&
      why === sample.expected.why
    if (!isOk) wrong++
    // rule and reason only where they make the difference
    const [expected, happened] =
      happens === sample.expected.happens && !isOk
        ? [`${sample.expected.code} ${sample.expected.why}`, `${reply.code} ${why}`]
        : [sample.expected.happens, happens]
    terminal.line(tableLine(result, { expected, happened, isOk }, terminal))
  }
  const least = leastGapMs(ses.calls)
  const isPaced = least === undefined || least >= SES_INTERVAL_MS
  terminal.line()
  for (const line of verdict(terminal, {
    all: results.length,
    wrong,
    calls: ses.calls.length,
    least,
    isPaced,
  }))
    terminal.line(line)
  return wrong === 0 && isPaced
}

function verdict(
  { paint }: Terminal,
  sums: { all: number; wrong: number; calls: number; least: number | undefined; isPaced: boolean },
): string[] {
  const { all, wrong, calls, least, isPaced } = sums
  const outcome =
    wrong === 0
      ? paint('green', `All ${all} mails as expected.`)
      : paint('red', `${wrong} of ${all} mails not as expected.`)
  const pace = `${calls} calls to SES, least gap ${seconds(least ?? 0)}`
  return [
    `${outcome}  ${isPaced ? `${pace}; SES allows one a second.` : paint('red', `${pace}: faster than SES allows.`)}`,
  ]
}

function leastGapMs(calls: readonly Call[]): number | undefined {
  const gaps = calls.slice(1).map((call, index) => call.atMs - (calls[index]?.atMs ?? 0))
  return gaps.length === 0 ? undefined : Math.min(...gaps)
}

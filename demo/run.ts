// Runs the samples: sends them, shows the calls to SES as they arrive, and compares the outcomes with the expected ones.
// Rejects when the signal is aborted or Haraka can't be reached.

import { setTimeout as pause } from 'node:timers/promises'
import { sendMail } from '../test/live/support/smtp'
import { showCalls } from './calls'
import { compare } from './compare'
import { actionText, decisionsOf, whyText } from './decisions'
import { HarakaLog, type LogLine } from './haraka-log'
import type { Sample } from './samples'
import { mailHeading, mailLine, type Result, title } from './show'
import type { Stage } from './stage'

/** The relay's name. */
export const HELO = 'relay.example.com'

/** The log is written a little after the reply; on a busy machine it is read much later. */
const LOG_MS = 15_000
const LOOK_MS = 20

/** True: every sample had the expected outcome, and the pace was kept. */
export async function play(stage: Stage, samples: readonly Sample[]): Promise<boolean> {
  const startMs = Number(process.hrtime.bigint()) / 1e6
  const results = await handAll(stage, samples)
  await showCalls(stage, samples, startMs)
  return compare(stage, results)
}

async function handAll({ terminal, port, dir, stop }: Stage, samples: readonly Sample[]): Promise<Result[]> {
  const log = new HarakaLog(dir)
  const results: Result[] = []
  terminal.line(title(`${samples.length} mails, sent as by a relay behind SES`, terminal))
  terminal.line()
  terminal.line(mailHeading(terminal))
  for (const [index, sample] of samples.entries()) {
    stop.throwIfAborted()
    log.news()
    const { reply } = await sendMail({ port, helo: HELO, ...sample.handed })
    const lines = await said(log, sample)
    const action = actionText(decisionsOf(lines, sample.sesId))
    const result = { sample, number: index + 1, reply, action, why: whyText(lines, sample.sesId) }
    terminal.line(mailLine(result, terminal))
    results.push(result)
  }
  return results
}

/** Reads the log until there is a decision for each recipient. */
async function said(log: HarakaLog, { sesId, handed }: Sample): Promise<LogLine[]> {
  const lines = log.news()
  const endMs = performance.now() + LOG_MS
  while (decisionsOf(lines, sesId).length < handed.to.length && performance.now() < endMs) {
    await pause(LOOK_MS)
    lines.push(...log.news())
  }
  return lines
}

// The table at the end: the expected and the actual outcome of each sample, and whether the pace was kept.

import type { Call } from '../src/ses-emulator/call'
import { lagOf } from '../test/live/support/pace'
import { fateText } from './evidence'
import { type Result, seconds, tableHeading, tableLine, title } from './show'
import type { Stage } from './stage'
import type { Terminal } from './terminal'

/** SES API: SendBounce accepts one call a second. */
const SES_INTERVAL_MS = 1000

/** True: all outcomes are as expected. */
export async function compare({ dir, ses, terminal }: Stage, results: readonly Result[]): Promise<boolean> {
  terminal.line()
  terminal.line(title('The outcome of each', terminal))
  terminal.line()
  terminal.line(tableHeading(terminal))
  const places = { dir, calls: ses.calls }
  let wrong = 0
  for (const result of results) {
    const compared = compareOne(result, await fateText(result.sample, result.reply, places))
    if (!compared.isOk) wrong++
    terminal.line(tableLine(result, compared, terminal))
  }
  const pace = paceOf(ses.calls, terminal)
  terminal.line()
  terminal.line(`${sumText(results.length, wrong, terminal)}  ${pace.text}`)
  return wrong === 0 && pace.isKept
}

function compareOne(
  { sample: { expected }, reply, why }: Result,
  happens: string,
): { expected: string; happened: string; isOk: boolean } {
  if (happens !== expected.happens) return { expected: expected.happens, happened: happens, isOk: false }
  if (reply.code === expected.code && why === expected.why) {
    return { expected: happens, happened: happens, isOk: true }
  }
  // the same outcome for another reason
  return { expected: `${expected.code} ${expected.why}`, happened: `${reply.code} ${why}`, isOk: false }
}

function sumText(all: number, wrong: number, { paint }: Terminal): string {
  if (wrong === 0) return paint('green', `All ${all} mails as expected.`)
  return paint('red', `${wrong} of ${all} mails not as expected.`)
}

function paceOf(calls: readonly Call[], { paint }: Terminal): { isKept: boolean; text: string } {
  const gaps = calls.slice(1).map((call, index) => {
    const before = calls[index] ?? call
    return { ms: call.atMs - before.atMs, lagMs: lagOf(before) }
  })
  const [least] = gaps.toSorted((a, b) => a.ms - b.ms)
  if (least === undefined) return { isKept: true, text: '' }
  const text = `${calls.length} calls to SES, least gap ${seconds(least.ms)}`
  if (gaps.some(({ ms, lagMs }) => ms + lagMs < SES_INTERVAL_MS))
    return { isKept: false, text: paint('red', `${text}: faster than SES allows.`) }
  const late = least.ms < SES_INTERVAL_MS ? ', as this busy machine read the first of the two late' : ''
  return { isKept: true, text: `${text}${late}; SES allows one a second.` }
}

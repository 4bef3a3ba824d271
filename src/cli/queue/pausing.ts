// `queue stats`, `pause` and `resume`: what there is, and whether it is sent.
// A pause stands in the queue file: it holds until `resume`, whatever is started again meanwhile.

import { jsonText } from '../../json'
import { mailTotalData, mailTotalText } from '../../quarantine/total-text'
import { overviewData, overviewLines, pauseText } from './overview-text'
import type { Run } from './run'

export function showStats({ place: { queue, pace, limitBytes }, out, json, nowMs, monoMs }: Run): number {
  const moment = { nowMs: nowMs(), monoMs: monoMs() }
  const [overview, pauses, rules] = [queue.overview(moment.nowMs, pace), queue.pauses(), queue.rules()]
  const mail = queue.mailTotals()
  if (json) {
    const data = overviewData(overview, pauses, pace, moment)
    out.line(jsonText({ ...data, rules, mail: mailTotalData(mail, limitBytes) }))
    return 0
  }
  const lines = overviewLines(overview, rules, pauses, pace, moment)
  // last stands whether a dispatcher runs
  const all = lines.toSpliced(-1, 0, `Mail on disk: ${mailTotalText(mail, limitBytes)}`)
  for (const line of all) out.line(line)
  return 0
}

/** Paused already is as good as paused now. */
export function pause(run: Run, region: string | undefined): number {
  const { queue, pace } = run.place
  const isNew = queue.pause(region, run.nowMs())
  const place = region ?? 'every region'
  if (run.json) return sayPauses(run)
  run.out.line(
    isNew ? `Paused: ${place}. Jobs wait, and expire at their deadline.` : `${place} is paused already.`,
  )
  const known = queue.overview(run.nowMs(), pace).regions.some(one => one.region === region)
  if (region !== undefined && !known) run.out.line(`No job has been in ${region} yet.`)
  return 0
}

/** What is still paused is said: of one region it may be, as all are. */
export function resume(run: Run, region: string | undefined): number {
  const { queue } = run.place
  const wasPaused = queue.resume(region)
  const left = queue.pauses()
  const place = region ?? 'every region'
  const isStill = region !== undefined && left.some(one => one.region === undefined)
  if (run.json) sayPauses(run)
  else {
    run.out.line(wasPaused ? `Resumed: ${place}.` : notPaused(region, isStill))
    for (const one of left) run.out.line(pauseText(one))
  }
  return isStill ? 1 : 0
}

function notPaused(region: string | undefined, isStill: boolean): string {
  if (region === undefined) return 'Nothing was paused.'
  return `${region} was not paused${isStill ? ' by itself: resume without --region' : ''}.`
}

function sayPauses({ place: { queue, pace }, out, nowMs, monoMs }: Run): number {
  const moment = { nowMs: nowMs(), monoMs: monoMs() }
  const { pauses } = overviewData(queue.overview(moment.nowMs, pace), queue.pauses(), pace, moment)
  out.line(jsonText({ pauses }))
  return 0
}

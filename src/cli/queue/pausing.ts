// `queue stats`, `pause` and `resume`. The queue file keeps a pause until `resume`, across restarts.

import { EVERY_REGION, isKnownRegion, pauseSending, resumeSending } from '../../app/operator-actions'
import { verdictData } from '../../app/verdict-settings'
import { jsonText } from '../../json'
import { mailTotalData } from '../../quarantine/total-text'
import { verdictOf } from '../../queue/verdict'
import { operatorOf, type Run, statsOf } from './run'
import { pausesData, pauseText, statsData, statsLines } from './stats-text'

export async function showStats(run: Run): Promise<number> {
  const { place, out, json } = run
  const nowMs = run.nowMs()
  const stats = await statsOf(run)
  const rules = await place.queue.countByRule()
  const verdict = verdictOf(stats, place.verdict, nowMs)
  if (json) {
    const mail = mailTotalData(stats.mail, place.limitBytes)
    out.line(
      jsonText({ ...verdictData(verdict, nowMs), ...statsData(stats, place.pace, nowMs), rules, mail }),
    )
    return 0
  }
  out.line(verdict.line)
  for (const { text, level } of verdict.reasons) if (level === 'note') out.line(`Note: ${text}.`)
  out.line('')
  for (const line of statsLines(stats, rules, place.pace, place.limitBytes, nowMs)) out.line(line)
  return 0
}

/** A pause that exists already isn't an error. */
export async function pause(run: Run, region: string | undefined): Promise<number> {
  const operator = operatorOf(run)
  const isNew = await pauseSending(operator, region)
  const place = region ?? EVERY_REGION
  if (run.json) return sayPauses(run)
  run.out.line(
    isNew ? `Paused: ${place}. Jobs wait, and expire at their deadline.` : `${place} is paused already.`,
  )
  if (region !== undefined && !(await isKnownRegion(operator, region))) {
    run.out.line(`No job has been in ${region} yet.`)
    const lanes = (await statsOf(run)).regions
      .map(one => one.region)
      .filter(lane => lane.endsWith(`/${region}`))
    if (lanes.length > 0) run.out.line(`There are jobs in ${lanes.join(', ')}: pause these by their names.`)
  }
  return 0
}

/** Also shows that a region is still paused because all regions are. */
export async function resume(run: Run, region: string | undefined): Promise<number> {
  const wasPaused = await resumeSending(operatorOf(run), region)
  const left = await run.place.queue.pauses()
  const isStill = region !== undefined && left.some(one => one.region === undefined)
  if (run.json) await sayPauses(run)
  else {
    run.out.line(wasPaused ? `Resumed: ${region ?? EVERY_REGION}.` : notPaused(region, isStill))
    for (const one of left) run.out.line(pauseText(one))
  }
  return isStill ? 1 : 0
}

function notPaused(region: string | undefined, isStill: boolean): string {
  if (region === undefined) return 'Nothing was paused.'
  return `${region} was not paused${isStill ? ' by itself: resume without --region' : ''}.`
}

async function sayPauses(run: Run): Promise<number> {
  run.out.line(jsonText({ pauses: pausesData(await run.place.queue.pauses()) }))
  return 0
}

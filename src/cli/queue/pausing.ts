// `queue stats`, `pause`, `resume` and `flush`. The queue file keeps a pause until `resume`, across restarts.

import { EVERY_REGION, flushQueue, pauseSending, resumeSending } from '../../app/operator-actions'
import { verdictData } from '../../app/verdict-settings'
import { didYouMean } from '../../config/diagnostics'
import { jsonText } from '../../json'
import { mailTotalData } from '../../quarantine/total-text'
import { verdictOf } from '../../queue/verdict'
import { UsageError } from '../command-line'
import { count } from '../explain/words'
import { operatorOf, type Run, statsOf } from './run'
import { pausesData, pauseText, statsData, statsLines } from './stats-text'

/** The regions that an error names. */
const SHOWN_LANES = 10

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

interface Options {
  region?: string
  reason?: string
}

/** A pause that exists already isn't an error. @throws UsageError: an unknown region */
export async function pause(run: Run, { region, reason }: Options): Promise<number> {
  await mustBeKnown(run, region)
  const isNew = await pauseSending(operatorOf(run, reason), region)
  if (run.json) return sayPauses(run)
  const place = region ?? EVERY_REGION
  run.out.line(
    isNew ? `Paused: ${place}. Jobs wait, and expire at their deadline.` : `${place} is paused already.`,
  )
  if (reason !== undefined) await sayPauseOf(run, region)
  return 0
}

async function sayPauseOf(run: Run, region: string | undefined): Promise<void> {
  const all = await run.place.queue.pauses()
  for (const one of all) if (one.region === region) run.out.line(pauseText(one))
}

/**
 * A region that was mistyped would be paused for nothing. Regions with a job on record, regions of the settings and
 * paused ones are known; before the first job any is. @throws UsageError
 */
async function mustBeKnown({ place }: Run, region: string | undefined): Promise<void> {
  if (region === undefined) return
  const paused = (await place.queue.pauses()).flatMap(one => one.region ?? [])
  const known = [...new Set([...(await place.queue.regions()), ...place.lanes, ...paused])]
  if (known.length === 0 || known.includes(region)) return
  const lanes = known.filter(lane => lane.endsWith(`/${region}`))
  const hint =
    lanes.length > 0
      ? `; there is ${lanes.join(', ')}`
      : didYouMean(region, known) || `; there are ${known.slice(0, SHOWN_LANES).join(', ')}`
  throw new UsageError(`--region ${region}: the queue has no such region${hint}`)
}

/** Jobs, senders and regions that wait for their next attempt have it now. @throws UsageError: an unknown region */
export async function flush(run: Run, { region, reason }: Options): Promise<number> {
  await mustBeKnown(run, region)
  const { nowMs, sleep, out, json } = run
  const { jobs, lifted } = await flushQueue(operatorOf(run, reason), region, {
    nowMs,
    sleep: ms => sleep(ms),
  })
  if (json) out.line(jsonText({ jobs, refused: lifted }))
  else if (jobs + lifted === 0) out.line('Nothing waits for its next attempt.')
  else {
    const also = lifted > 0 ? `, and ${lifted} of the senders and regions that SES refuses` : ''
    out.line(`Tried now: ${count(jobs, 'job')}${also}.`)
  }
  for (const one of await run.place.queue.pauses())
    if (!json && (region === undefined || one.region === undefined || one.region === region))
      out.line(pauseText(one))
  return 0
}

/** Tells too if a region is still paused because all regions are. @throws UsageError: an unknown region */
export async function resume(run: Run, { region, reason }: Options): Promise<number> {
  await mustBeKnown(run, region)
  const wasPaused = await resumeSending(operatorOf(run, reason), region)
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

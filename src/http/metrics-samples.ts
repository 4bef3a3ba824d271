// From the store's figures to the samples of each metric. Pure.
// What is known to be possible is there from the start with 0, so that its first count is seen as an increase.

import { escapeControls, shortened } from '../config/escape'
import { FALLBACK_ACTIONS, FALLBACK_REASONS } from '../config/settings'
import { CALL_BUCKETS_S, LAST_BUCKET } from '../dispatch/call-counts'
import type { Outcome } from '../dispatch/outcomes'
import { COUNTED, type CountedName, type Labels, OTHER, type Sum } from '../queue/counters'
import type { QueueFigures } from '../queue/figures'
import { JOB_STATES, type JobState } from '../queue/job'
import { MAIL_PLACES, type MailPlace, type StoredMail } from '../queue/mail-ledger'
import { SILENT_MS } from '../queue/overview'
import type { MetricKey } from './metrics-table'

export interface Sample {
  labels: Labels
  value: number
  /** Of a histogram's parts. */
  metricName?: string
}

/** What is to be shown. */
export type Found = QueueFigures & {
  sums: readonly Sum[]
  mail: Record<MailPlace, StoredMail>
  mailLimitBytes: number
}

export interface Moment {
  nowMs: number
  nowMonoMs: number
}

const OUTCOMES: readonly Outcome['kind'][] = [
  'sent',
  'throttled',
  'temporary',
  'unknown',
  'blocked',
  'refused',
]
const ENDS: readonly JobState[] = ['sent', 'failed', 'expired', 'held']

const FALLBACKS: readonly Labels[] = FALLBACK_REASONS.flatMap(reason =>
  FALLBACK_ACTIONS.map(action => ({ reason, action, mode: 'enforce' })),
)

/** AWS has some thirty with SES; a caller of the API, or a relay that passes on what SES didn't write, could name any. */
const MOST_REGIONS = 100

/** `decisions`: those that the rules in force can make. */
export function samplesOf(
  all: Found,
  { nowMs, nowMonoMs }: Moment,
  build: Labels,
  decisions: readonly Labels[],
): Record<MetricKey, Sample[]> {
  const figures = withoutOtherRegions(all)
  const { regions, blocked, reload, dispatcherBeatMonoMs: beatMs } = figures
  const byRegion = (label: string, values: readonly string[]) =>
    regions.flatMap(({ region }) => values.map(value => ({ region, [label]: value })))
  const counted = (name: CountedName, atLeast: readonly Labels[] = []) =>
    countedSamples(figures, name, atLeast)
  const isUp = beatMs !== undefined && nowMonoMs - beatMs <= SILENT_MS
  return {
    inspected: counted(COUNTED.inspected, [{}]),
    deferred: counted(COUNTED.deferred, [{ cause: 'rule' }, { cause: 'fault' }]),
    decisions: counted(COUNTED.decisions, decisions.map(fit)),
    fallbacks: counted(COUNTED.fallbacks, FALLBACKS),
    jobs: jobSamples(figures),
    ended: counted(COUNTED.ended, byRegion('state', ENDS)),
    nextDeadline: regions.flatMap(({ region, nextDeadlineMs }) =>
      nextDeadlineMs === undefined ? [] : [{ labels: { region }, value: seconds(nextDeadlineMs - nowMs) }],
    ),
    drain: regions.map(({ region, drainMs }) => ({ labels: { region }, value: seconds(drainMs) })),
    willMiss: regions.map(({ region, willMiss }) => ({ labels: { region }, value: willMiss })),
    interval: regions.map(({ region, spacingMs }) => ({ labels: { region }, value: seconds(spacingMs) })),
    calls: counted(COUNTED.calls, byRegion('outcome', OUTCOMES)),
    callDuration: regions.flatMap(({ region }) => durations(figures, region)),
    paused: regions.map(({ region, isPaused }) => ({ labels: { region }, value: Number(isPaused) })),
    blocked: regions.flatMap(({ region }) => {
      const found = blocked.find(one => one.region === region)
      return [
        { labels: { region, scope: 'sender' }, value: found?.senders ?? 0 },
        { labels: { region, scope: 'region' }, value: Number(found?.isWhole ?? false) },
      ]
    }),
    dispatcherUp: [{ labels: {}, value: Number(isUp) }],
    mailBytes: MAIL_PLACES.map(place => ({ labels: { place }, value: figures.mail[place].bytes })),
    mails: MAIL_PLACES.map(place => ({ labels: { place }, value: figures.mail[place].mails })),
    mailLimit: [{ labels: {}, value: figures.mailLimitBytes }],
    reloads: counted(COUNTED.reloads, [{ result: 'taken' }, { result: 'refused' }]),
    reloadSuccessful: [{ labels: {}, value: Number(!reload.isRefused) }],
    reloadTime: reload.takenMs === undefined ? [] : [{ labels: {}, value: seconds(reload.takenMs) }],
    buildInfo: [{ labels: build, value: 1 }],
  }
}

/** Those with most jobs have gauges of their own; jobs of the others are counted together. */
function withoutOtherRegions(figures: Found): Found {
  if (figures.regions.length <= MOST_REGIONS) return figures
  const jobsOf = new Map<string, number>()
  for (const { region, jobs } of figures.jobs) jobsOf.set(region, (jobsOf.get(region) ?? 0) + jobs)
  const regions = figures.regions
    .toSorted((a, b) => (jobsOf.get(b.region) ?? 0) - (jobsOf.get(a.region) ?? 0))
    .slice(0, MOST_REGIONS)
  const own = new Set(regions.map(({ region }) => region))
  const jobs = figures.jobs.map(one => (own.has(one.region) ? one : { ...one, region: OTHER }))
  return { ...figures, regions, jobs }
}

function countedSamples({ sums }: Found, name: CountedName, atLeast: readonly Labels[]): Sample[] {
  const own = sums.filter(sum => sum.name === name)
  return [
    ...atLeast.map(labels => ({ labels, value: 0 })),
    ...own.map(({ labels, value }) => ({ labels: fit(labels), value })),
  ]
}

function jobSamples({ jobs, regions }: QueueFigures): Sample[] {
  return [
    ...regions.flatMap(({ region }) => JOB_STATES.map(state => ({ labels: { region, state }, value: 0 }))),
    ...jobs.map(({ region, state, jobs }) => ({ labels: { region, state }, value: jobs })),
  ]
}

/** Buckets are kept one by one, and shown as Prometheus has them: each with all below it. */
function durations({ sums }: Found, region: string): Sample[] {
  const own = sums.filter(({ labels }) => labels['region'] === region)
  const inBucket = (le: string) =>
    own.find(({ name, labels }) => name === COUNTED.callBuckets && labels['le'] === le)?.value ?? 0
  let count = 0
  const buckets = [...CALL_BUCKETS_S.map(String), LAST_BUCKET].map(le => {
    count += inBucket(le)
    return { labels: { le, region }, value: count, metricName: COUNTED.callBuckets }
  })
  const sum = own.find(({ name }) => name === COUNTED.callSum)?.value ?? 0
  return [
    ...buckets,
    { labels: { region }, value: sum, metricName: COUNTED.callSum },
    { labels: { region }, value: count, metricName: COUNTED.callSum.replace(/sum$/, 'count') },
  ]
}

/** Names of rules are somebody's words. */
function fit(labels: Labels): Labels {
  return Object.fromEntries(
    Object.entries(labels).map(([name, value]) => [name, escapeControls(shortened(value))]),
  )
}

function seconds(ms: number): number {
  return ms / 1000
}

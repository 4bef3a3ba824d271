// Makes the samples of each metric from the queue's numbers. Pure.
// Every known set of labels exists from the start with 0, so that its first count is an increase.

import type { SurgeRecord } from '../app/surge-files'
import { escapeControls, shortened } from '../config/escape'
import { FALLBACK_ACTIONS, FALLBACK_REASONS } from '../config/settings'
import { CALL_BUCKETS_S, LAST_BUCKET } from '../dispatch/call-counts'
import { QUARANTINE_REASONS } from '../quarantine/reasons'
import { COUNTED, type CountedName, type Labels, OTHER, type Sum } from '../queue/counters'
import type { Outcome } from '../queue/effects'
import { JOB_STATES, type JobState } from '../queue/job'
import { MAIL_PLACES } from '../queue/mail-ledger'
import { type Blocker, isDispatching, presentHosts, type QueueStats } from '../queue/stats'
import { STORE_BUCKETS_S } from '../queue/store-counts'
import { VERDICT_STATES, type Verdict } from '../queue/verdict'
import { REASON_KINDS } from '../queue/verdict-reasons'
import type { EpochMs } from '../units'
import type { MetricKey } from './metrics-table'

export interface Sample {
  labels: Labels
  value: number
  /** The name of a part of a histogram. */
  metricName?: string
}

/** The input. */
export type Found = QueueStats & {
  sums: readonly Sum[]
  mailLimitBytes: number
  surges: readonly Pick<SurgeRecord, 'by'>[]
  /** The name of this host, if several share the queue. */
  host?: string | undefined
  /** The digest of the host's configuration files. */
  configDigest: string
  verdict?: Verdict
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

/**
 * The most lanes with their own samples. AWS has some thirty regions with SES, and there may be several accounts;
 * submissions and forged mail may name other regions.
 */
const MOST_REGIONS = 100

/** `decisions`: those that the active rules can make. */
export function samplesOf(
  all: Found,
  nowMs: EpochMs,
  build: Labels,
  decisions: readonly Labels[],
): Record<MetricKey, Sample[]> {
  const found = withoutOtherRegions(all)
  const { regions, blocked, reload } = found
  const byRegion = (label: string, values: readonly string[]) =>
    regions.flatMap(({ region }) => values.map(value => ({ region, [label]: value })))
  const counted = (name: CountedName, atLeast: readonly Labels[] = []) => countedSamples(found, name, atLeast)
  return {
    inspected: counted(COUNTED.inspected, [{}]),
    notifyNever: counted(COUNTED.notifyNever, [{}]),
    untrusted: counted(COUNTED.untrusted, [{}]),
    quarantined: counted(
      COUNTED.quarantined,
      QUARANTINE_REASONS.map(reason => ({ reason })),
    ),
    deferred: counted(COUNTED.deferred, [{ cause: 'rule' }, { cause: 'fault' }]),
    decisions: counted(COUNTED.decisions, decisions.map(fit)),
    fallbacks: counted(COUNTED.fallbacks, FALLBACKS),
    refusals: counted(COUNTED.refusals),
    surges: all.surges.map(({ by }) => ({ labels: fit({ by }), value: 1 })),
    jobs: jobSamples(found),
    ended: counted(COUNTED.ended, byRegion('state', ENDS)),
    nextDeadline: regions.flatMap(({ region, nextDeadlineMs }) =>
      nextDeadlineMs === undefined ? [] : [{ labels: { region }, value: seconds(nextDeadlineMs - nowMs) }],
    ),
    drain: regions.flatMap(({ region, drainMs }) =>
      drainMs === undefined ? [] : [{ labels: { region }, value: seconds(drainMs) }],
    ),
    willMiss: regions.map(({ region, willMiss }) => ({ labels: { region }, value: willMiss })),
    interval: regions.map(({ region, spacingMs }) => ({ labels: { region }, value: seconds(spacingMs) })),
    calls: counted(COUNTED.calls, byRegion('outcome', OUTCOMES)),
    callDuration: regions.flatMap(({ region }) => durations(found, CALLS, region)),
    paused: regions.map(({ region, pausedSinceMs }) => ({
      labels: { region },
      value: Number(pausedSinceMs !== undefined),
    })),
    blocked: regions.flatMap(({ region }) => blockedSamples(region, blocked)),
    ...verdictSamples(found.verdict),
    dispatcherUp: [{ labels: {}, value: Number(isDispatching(found)) }],
    mailBytes: MAIL_PLACES.map(place => ({ labels: { place }, value: found.mail[place].bytes })),
    mails: MAIL_PLACES.map(place => ({ labels: { place }, value: found.mail[place].mails })),
    mailLimit: [{ labels: {}, value: found.mailLimitBytes }],
    reloads: counted(COUNTED.reloads, [{ result: 'taken' }, { result: 'refused' }]),
    reloadSuccessful: [{ labels: {}, value: Number(!reload.isRefused) }],
    reloadTime: reload.takenMs === undefined ? [] : [{ labels: {}, value: seconds(reload.takenMs) }],
    ...sharedSamples(found),
    configInfo: [{ labels: { digest: found.configDigest }, value: 1 }],
    buildInfo: [{ labels: build, value: 1 }],
  }
}

function verdictSamples(
  verdict: Verdict | undefined,
): Record<'verdict' | 'sending' | 'verdictReasons', Sample[]> {
  if (verdict === undefined) return { verdict: [], sending: [], verdictReasons: [] }
  const { state, isSending, reasons } = verdict
  return {
    verdict: VERDICT_STATES.map(one => ({ labels: { state: one }, value: Number(one === state) })),
    sending: [{ labels: {}, value: Number(isSending) }],
    verdictReasons: REASON_KINDS.map(kind => ({
      labels: { kind },
      value: reasons.filter(reason => reason.kind === kind).length,
    })),
  }
}

function blockedSamples(region: string, blocked: readonly Blocker[]): Sample[] {
  const own = blocked.filter(one => one.region === region)
  const senders = own.filter(({ bounceSender }) => bounceSender !== undefined).length
  return [
    { labels: { region, scope: 'sender' }, value: senders },
    { labels: { region, scope: 'region' }, value: Number(own.length > senders) },
  ]
}

/** The regions with most jobs have their own gauges; jobs of the others are counted together. */
function withoutOtherRegions(found: Found): Found {
  if (found.regions.length <= MOST_REGIONS) return found
  const jobsOf = new Map<string, number>()
  for (const { region, jobs } of found.jobs) jobsOf.set(region, (jobsOf.get(region) ?? 0) + jobs)
  const regions = found.regions
    .toSorted((a, b) => (jobsOf.get(b.region) ?? 0) - (jobsOf.get(a.region) ?? 0))
    .slice(0, MOST_REGIONS)
  const own = new Set(regions.map(({ region }) => region))
  const jobs = found.jobs.map(one => (own.has(one.region) ? one : { ...one, region: OTHER }))
  return { ...found, regions, jobs }
}

function countedSamples({ sums }: Found, name: CountedName, atLeast: readonly Labels[]): Sample[] {
  const own = sums.filter(sum => sum.name === name)
  return [
    ...atLeast.map(labels => ({ labels, value: 0 })),
    ...own.map(({ labels, value }) => ({ labels: fit(labels), value })),
  ]
}

function jobSamples({ jobs, regions }: Found): Sample[] {
  return [
    ...regions.flatMap(({ region }) => JOB_STATES.map(state => ({ labels: { region, state }, value: 0 }))),
    ...jobs.map(({ region, state, jobs }) => ({ labels: { region, state }, value: jobs })),
  ]
}

/** A histogram, one for each value of a label. */
interface Histogram {
  label: string
  bucketsS: readonly number[]
  buckets: CountedName
  sum: CountedName
}

const CALLS: Histogram = {
  label: 'region',
  bucketsS: CALL_BUCKETS_S,
  buckets: COUNTED.callBuckets,
  sum: COUNTED.callSum,
}

const STATEMENTS: Histogram = {
  label: 'op',
  bucketsS: STORE_BUCKETS_S,
  buckets: COUNTED.storeBuckets,
  sum: COUNTED.storeSum,
}

/** Buckets are stored separately, and shown cumulative, as Prometheus requires. */
function durations(
  { sums }: Found,
  { label, bucketsS, buckets: bucketName, sum: sumName }: Histogram,
  value: string,
): Sample[] {
  const own = sums.filter(({ labels }) => labels[label] === value)
  const inBucket = (le: string) =>
    own.find(({ name, labels }) => name === bucketName && labels['le'] === le)?.value ?? 0
  let count = 0
  const buckets = [...bucketsS.map(String), LAST_BUCKET].map(le => {
    count += inBucket(le)
    return { labels: { le, [label]: value }, value: count, metricName: bucketName }
  })
  const sum = own.find(({ name }) => name === sumName)?.value ?? 0
  return [
    ...buckets,
    { labels: { [label]: value }, value: sum, metricName: sumName },
    { labels: { [label]: value }, value: count, metricName: sumName.replace(/sum$/, 'count') },
  ]
}

type SharedKey = 'leader' | 'term' | 'hosts' | 'clockSkew' | 'storeDuration' | 'storeFaults'

/** Samples for a queue that several hosts share. */
function sharedSamples(found: Found): Record<SharedKey, Sample[]> {
  const { leader, host, sums } = found
  const one = (value: number): Sample[] => [{ labels: {}, value }]
  const present = presentHosts(found)
  const own = present.findLast(({ name }) => name === host)
  const ops = sums.flatMap(({ name, labels }) => (name === COUNTED.storeSum ? (labels['op'] ?? []) : []))
  return {
    leader: leader === undefined ? [] : one(Number(leader.host !== undefined && leader.host === host)),
    term: leader === undefined ? [] : one(leader.term),
    hosts: leader === undefined ? [] : one(present.length),
    clockSkew: own === undefined ? [] : one(seconds(own.skewMs)),
    storeDuration: ops.toSorted(byText).flatMap(op => durations(found, STATEMENTS, op)),
    storeFaults: countedSamples(
      found,
      COUNTED.storeFaults,
      leader === undefined ? [] : [{ cause: 'unreachable' }],
    ),
  }
}

function byText(one: string, other: string): number {
  return one < other ? -1 : Number(one > other)
}

/** Escapes and shortens labels, as names of rules may hold any text. */
function fit(labels: Labels): Labels {
  return Object.fromEntries(
    Object.entries(labels).map(([name, value]) => [name, escapeControls(shortened(value))]),
  )
}

function seconds(ms: number): number {
  return ms / 1000
}

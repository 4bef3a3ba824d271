// The queue's numbers, from one statement's view of it: stored sums, ends of indexes, and deadlines by blocks.

import type { EpochMs } from '../../units'
import type { LaneFailure } from '../call-failure'
import type { ReloadState } from '../counters'
import { JOB_STATES, type JobState } from '../job'
import { MAIL_PLACES, type MailPlace, type StoredMail } from '../mail-ledger'
import type { Pace, Pause } from '../operator'
import type { HostStats, QueueStats, RegionStats } from '../stats'
import type { PostgresConnection } from './connection'
import { pausesOf } from './pauses'
import { type DeadlineBlock, projectionOf } from './projection'

/** The answer of queue_stats. */
interface Found {
  clockMs: EpochMs
  jobs: QueueStats['jobs']
  regions: {
    region: string
    slowdown: number
    spacingMs: number
    next: EpochMs | null
    later: number
    blocks: DeadlineBlock[]
  }[]
  calls: ({ region: string } & RegionStats['lastMinute'])[]
  pauses: unknown[]
  blocked: { region: string; bounceSender: string; nextTryMs: EpochMs; why: string | null }[]
  oldestMs: EpochMs | null
  leader: { term: number; token: string; host: string; beat_ms: EpochMs }
  hosts: HostRow[]
  mail: Partial<Record<MailPlace, StoredMail>>
  reload: StoredReload | null
}

interface StoredReload {
  takenMs: EpochMs | null
  refusedMs: EpochMs | null
  errors: string[]
  isRefused: boolean
}

/** The columns of the table host. */
export interface HostRow {
  id: string
  name: string
  version: string
  config: string
  started_ms: EpochMs
  seen_ms: EpochMs
  skew_ms: number
}

/** Of the answer of lane_failures. */
type FailingLane = Omit<LaneFailure, 'nextTryMs'> & { nextMs: EpochMs | null }

/** `home`: of the mail on disk. `host`: the name of this host. */
export async function stats(
  connection: PostgresConnection,
  { home, host }: { home: string; host: string },
  nowMs: EpochMs,
  pace: Pace,
): Promise<QueueStats> {
  const found = await connection.call<Found>('queue_stats_1', { nowMs: Math.round(nowMs), home, host })
  const pauses = found.pauses.length === 0 ? [] : await pausesOf(connection)
  const regions: RegionStats[] = []
  for (const region of found.regions)
    regions.push(await regionOf(connection, region, { found, pauses, nowMs, pace }))
  const next = regions.flatMap(({ nextDeadlineMs }) => nextDeadlineMs ?? [])
  const { leader, clockMs } = found
  const failing = regions.some(({ queued }) => queued > 0)
    ? await connection.call<FailingLane[]>('lane_failures_1', { nowMs: Math.round(nowMs) })
    : []
  return {
    states: sumsByState(found.jobs),
    jobs: found.jobs,
    regions,
    pauses,
    blocked: found.blocked.map(({ region, bounceSender, nextTryMs, why }) => ({
      region,
      ...(bounceSender !== '' && { bounceSender }),
      nextTryMs,
      ...(why !== null && { why }),
    })),
    failing: failing.map(one => failureOf(one, regions, nowMs)),
    ...(found.oldestMs !== null && { oldestMs: found.oldestMs }),
    ...(next.length > 0 && { nextDeadlineMs: Math.min(...next) }),
    ...(leader.beat_ms > 0 && { silentMs: Math.max(0, clockMs - leader.beat_ms) }),
    mail: mailTotalsOf(found.mail),
    reload: reloadOf(found.reload),
    hosts: found.hosts.map(row => hostOf(row, clockMs)),
    leader: { term: leader.term, ...(leader.token !== '' && { host: leader.host }) },
  }
}

function failureOf(
  { nextMs, ...failure }: FailingLane,
  regions: readonly RegionStats[],
  nowMs: EpochMs,
): LaneFailure {
  const isDue = regions.some(({ region, queued, later }) => region === failure.region && queued > later)
  return { ...failure, nextTryMs: isDue ? nowMs : (nextMs ?? nowMs) }
}

function regionOf(
  connection: PostgresConnection,
  { region, slowdown, spacingMs, next, later, blocks }: Found['regions'][number],
  { found, pauses, nowMs, pace }: { found: Found; pauses: readonly Pause[]; nowMs: EpochMs; pace: Pace },
): Promise<RegionStats> {
  const jobsIn = (state: JobState) =>
    found.jobs.find(one => one.region === region && one.state === state)?.jobs ?? 0
  const jobMs = spacingMs > pace.forecastMs ? spacingMs : pace.spacingMs
  const pause = pauses.find(one => one.region === undefined || one.region === region)
  const { calls = 0, sent = 0, throttled = 0 } = found.calls.find(one => one.region === region) ?? {}
  const deadlinesIn = (fromMs: EpochMs, untilMs: EpochMs) =>
    connection.call<number[]>('queued_deadlines_1', { region, fromMs, untilMs })
  return projectionOf(blocks, nowMs, { ...pace, spacingMs: jobMs }, deadlinesIn).then(projection => ({
    region,
    spacingMs: pace.spacingMs * slowdown,
    jobMs,
    queued: jobsIn('queued'),
    sending: jobsIn('sending'),
    later,
    ...(next !== null && { nextDeadlineMs: next }),
    ...(pause !== undefined && { pausedSinceMs: pause.sinceMs }),
    lastMinute: { calls, sent, throttled },
    ...projection,
  }))
}

export function sumsByState(counts: readonly { state: JobState; jobs: number }[]): Record<JobState, number> {
  const sums = Object.fromEntries(JOB_STATES.map(state => [state, 0])) as Record<JobState, number>
  for (const { state, jobs } of counts) sums[state] += jobs
  return sums
}

export function mailTotalsOf(found: Partial<Record<MailPlace, StoredMail>>): Record<MailPlace, StoredMail> {
  const totals = MAIL_PLACES.map(place => [place, found[place] ?? { bytes: 0, mails: 0 }])
  return Object.fromEntries(totals) as Record<MailPlace, StoredMail>
}

function reloadOf(row: StoredReload | null): ReloadState {
  if (row === null) return { isRefused: false }
  const { takenMs, refusedMs, errors, isRefused } = row
  return {
    ...(takenMs !== null && { takenMs }),
    ...(refusedMs !== null && { refused: { atMs: refusedMs, errors } }),
    isRefused,
  }
}

export function hostOf(row: HostRow, clockMs: EpochMs): HostStats {
  return {
    id: row.id,
    name: row.name,
    version: row.version,
    config: row.config,
    startedMs: row.started_ms,
    seenMs: row.seen_ms,
    silentMs: Math.max(0, clockMs - row.seen_ms),
    skewMs: row.skew_ms,
  }
}

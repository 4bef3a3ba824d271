// The queue's numbers, from one statement's view of it: stored sums, ends of indexes, and deadlines by blocks.

import type { EpochMs } from '../../units'
import type { LaneFailure } from '../call-failure'
import type { ReloadState } from '../counters'
import { JOB_STATES, type JobState } from '../job'
import { MAIL_PLACES, type MailPlace, type StoredMail } from '../mail-ledger'
import type { Pace, Pause } from '../operator'
import { callsPassFrom, forecastOf, type Obstacles } from '../outlook'
import type { Blocker, HostStats, QueueStats, RegionStats } from '../stats'
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
    lost: EpochMs[]
    lastDue: EpochMs | null
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

/** A lane in the answer of lane_failures. */
type FailingLane = Omit<LaneFailure, 'nextTryMs'> & { nextMs: EpochMs | null }

type Lane = Omit<RegionStats, 'drainMs' | 'willMiss' | 'isStopped'>

/** `home`: of the mail on disk. `host`: the name of this host. */
export async function stats(
  connection: PostgresConnection,
  { home, host }: { home: string; host: string },
  nowMs: EpochMs,
  pace: Pace,
): Promise<QueueStats> {
  const found = await connection.call<Found>('queue_stats_1', {
    nowMs: Math.round(nowMs),
    marginMs: Math.round(pace.marginMs),
    home,
    host,
  })
  const pauses = found.pauses.length === 0 ? [] : await pausesOf(connection)
  const lanes = found.regions.map(region => laneOf(region, { found, pauses, pace }))
  const { leader, clockMs } = found
  const failing = lanes.some(({ queued, held }) => queued + held > 0)
    ? await connection.call<FailingLane[]>('lane_failures_1', { nowMs: Math.round(nowMs) })
    : []
  const obstacles = {
    pauses,
    blocked: found.blocked.map(blockerOf),
    failing: failing.map(one => failureOf(one, lanes, nowMs)),
  }
  const regions: RegionStats[] = []
  for (const [index, lane] of lanes.entries())
    regions.push(await regionOf(connection, lane, { row: found.regions[index], obstacles, nowMs, pace }))
  const next = regions.flatMap(({ nextDeadlineMs }) => nextDeadlineMs ?? [])
  return {
    states: sumsByState(found.jobs),
    jobs: found.jobs,
    regions,
    ...obstacles,
    ...(found.oldestMs !== null && { oldestMs: found.oldestMs }),
    ...(next.length > 0 && { nextDeadlineMs: Math.min(...next) }),
    ...(leader.beat_ms > 0 && { silentMs: Math.max(0, clockMs - leader.beat_ms) }),
    mail: mailTotalsOf(found.mail),
    reload: reloadOf(found.reload),
    hosts: found.hosts.map(row => hostOf(row, clockMs)),
    leader: { term: leader.term, ...(leader.token !== '' && { host: leader.host }) },
  }
}

function blockerOf({ region, bounceSender, nextTryMs, why }: Found['blocked'][number]): Blocker {
  return {
    region,
    ...(bounceSender !== '' && { bounceSender }),
    nextTryMs,
    ...(why !== null && { why }),
  }
}

function failureOf({ nextMs, ...failure }: FailingLane, lanes: readonly Lane[], nowMs: EpochMs): LaneFailure {
  const { queued = 0, later = 0 } = lanes.find(({ region }) => region === failure.region) ?? {}
  return queued === 0 ? failure : { ...failure, nextTryMs: queued > later ? nowMs : (nextMs ?? nowMs) }
}

function laneOf(
  { region, slowdown, spacingMs, next, later }: Found['regions'][number],
  { found, pauses, pace }: { found: Found; pauses: readonly Pause[]; pace: Pace },
): Lane {
  const jobsIn = (state: JobState) =>
    found.jobs.find(one => one.region === region && one.state === state)?.jobs ?? 0
  const pause = pauses.find(one => one.region === undefined || one.region === region)
  const { calls = 0, sent = 0, throttled = 0 } = found.calls.find(one => one.region === region) ?? {}
  return {
    region,
    spacingMs: pace.spacingMs * slowdown,
    jobMs: spacingMs > pace.forecastMs ? spacingMs : pace.spacingMs,
    queued: jobsIn('queued'),
    sending: jobsIn('sending'),
    held: jobsIn('held'),
    later,
    ...(next !== null && { nextDeadlineMs: next }),
    ...(pause !== undefined && { pausedSinceMs: pause.sinceMs }),
    lastMinute: { calls, sent, throttled },
  }
}

async function regionOf(
  connection: PostgresConnection,
  lane: Lane,
  {
    row,
    obstacles,
    nowMs,
    pace,
  }: { row: Found['regions'][number] | undefined; obstacles: Obstacles; nowMs: EpochMs; pace: Pace },
): Promise<RegionStats> {
  const { region, jobMs } = lane
  const { lost = [], lastDue = null, blocks = [] } = row ?? {}
  const backOff = { lost, ...(lastDue !== null && { lastDueMs: lastDue }) }
  const deadlinesIn = (fromMs: EpochMs, untilMs: EpochMs) =>
    connection.call<number[]>('queued_deadlines_1', { region, fromMs, untilMs })
  const { ms: fromMs } = callsPassFrom(lane, obstacles, nowMs)
  const projection = Number.isFinite(fromMs)
    ? await projectionOf(blocks, fromMs, { ...pace, spacingMs: jobMs }, lost, deadlinesIn)
    : { drainMs: 0, willMiss: 0 }
  return { ...lane, ...forecastOf(lane, obstacles, backOff, nowMs, () => projection) }
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

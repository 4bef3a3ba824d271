// The queue's numbers from its file: stored sums, ends of indexes, and the deadline histogram. No query counts jobs.
// Only reads, one after the other: a job that changes meanwhile may be in two of the numbers, or in none.

import type { EpochMs, MonoMs } from '../../units'
import { JOB_STATES, type JobState } from '../job'
import { bootId } from '../lease-owner'
import type { Pace, Pause } from '../operator'
import { type BackOff, forecastOf } from '../outlook'
import type { Blocker, QueueStats, RegionStats, RuleCount } from '../stats'
import { blockedNow } from './breaker'
import { reloadState } from './counters'
import type { Database, Row } from './database'
import { type JobCount, jobCounts } from './job-counts'
import { laneFailures } from './lane-failures'
import { mailTotals } from './mail-ledger'
import { pauses } from './pauses'
import { text } from './rows'
import { waitingDeadlines } from './waiting-deadlines'

const MINUTE_MS = 60_000
/** More events than all regions' calls of a minute, and the mails that came meanwhile, make. */
const LATEST_EVENTS = 20_000
/** The events at the end of a call. */
const CALL_ENDED = "'sent', 'throttled', 'retry', 'unknown outcome', 'split', 'failed', 'interrupted'"
/** The most blockers with a reason: further ones aren't shown. */
const MOST_REASONS = 20
/** The most jobs that are read to find the reasons. */
const MOST_LOOKED_AT = 500

/** More jobs in back-off than a lane's calls of an hour leave. */
const MOST_LOST = 4000

/** `home`: the folder of the mail on disk. */
export function stats(
  database: Database,
  home: string,
  { ms: nowMs, monoMs }: { ms: EpochMs; monoMs: MonoMs },
  pace: Pace,
): QueueStats {
  const jobs = jobCounts(database)
  const paused = pauses(database)
  const dispatcher = database.get('SELECT beat_mono_ms AS beat FROM dispatcher WHERE boot_id = ?', bootId())
  const heartbeat = dispatcher?.['beat']
  const silent = typeof heartbeat === 'number' ? { silentMs: Math.max(0, monoMs - heartbeat) } : {}
  const lanes = lanesOf(database, { jobs, paused, nowMs, pace })
  const blocked = blockers(database)
  const failing = laneFailures(
    database,
    lanes.filter(({ queued, held }) => queued + held > 0),
    nowMs,
  )
  const obstacles = { pauses: paused, blocked, failing }
  const regions = lanes.map(lane => {
    const { lost, ...backOff } = backOffIn(database, lane, nowMs, pace)
    const waiting = waitingDeadlines(database).of(lane.region)
    const forecast = forecastOf(lane, obstacles, { lost, ...backOff }, nowMs, fromMs =>
      waiting.projection(fromMs, { ...pace, spacingMs: lane.jobMs }, lost),
    )
    return { ...lane, ...forecast }
  })
  const next = regions.flatMap(({ nextDeadlineMs }) => nextDeadlineMs ?? [])
  // by the index, in order of age: no job is counted
  const oldest = database.get("SELECT created_ms FROM job WHERE state || '' = 'queued' ORDER BY seq LIMIT 1")
  return {
    states: sumsByState(jobs),
    jobs,
    regions,
    pauses: paused,
    blocked,
    failing,
    ...optional('oldestMs', oldest?.['created_ms']),
    ...(next.length > 0 && { nextDeadlineMs: Math.min(...next) }),
    ...silent,
    mail: mailTotals(database, home),
    reload: reloadState(database),
  }
}

/** Reads files of earlier versions too, which have no counts. */
export function countByState(database: Database): Record<JobState, number> {
  const rows = database.all('SELECT state, COUNT(*) AS n FROM job GROUP BY state')
  return sumsByState(rows.map(row => ({ state: text(row['state']) as JobState, jobs: Number(row['n']) })))
}

function sumsByState(counts: readonly Pick<JobCount, 'state' | 'jobs'>[]): Record<JobState, number> {
  const sums = Object.fromEntries(JOB_STATES.map(state => [state, 0])) as Record<JobState, number>
  for (const { state, jobs } of counts) sums[state] += jobs
  return sums
}

/** The largest first. */
export function countByRule(database: Database): RuleCount[] {
  const rows = database.all(
    'SELECT rule, state, COUNT(*) AS n FROM recipient JOIN job ON job.seq = recipient.job GROUP BY rule, state ORDER BY rule',
  )
  const byRule = new Map<string, { states: Partial<Record<JobState, number>>; all: number }>()
  for (const row of rows) {
    const entry = byRule.get(text(row['rule'])) ?? { states: {}, all: 0 }
    entry.states[text(row['state']) as JobState] = Number(row['n'])
    entry.all += Number(row['n'])
    byRule.set(text(row['rule']), entry)
  }
  return [...byRule].toSorted(([, a], [, b]) => b.all - a.all).map(([rule, { states }]) => ({ rule, states }))
}

type Lane = Omit<RegionStats, 'drainMs' | 'willMiss' | 'isStopped'>

function lanesOf(
  database: Database,
  {
    jobs,
    paused,
    nowMs,
    pace,
  }: { jobs: readonly JobCount[]; paused: readonly Pause[]; nowMs: EpochMs; pace: Pace },
): Lane[] {
  const calls = callsOfLastMinute(database, nowMs)
  return database.all('SELECT name, slowdown, spacing_ms FROM region ORDER BY name').map(row => {
    const region = text(row['name'])
    const first = database.get(
      "SELECT MIN(deadline_ms) AS next FROM job WHERE state = 'queued' AND region = ?",
      region,
    )
    const later = database.get(
      "SELECT COUNT(*) AS n FROM job WHERE state = 'queued' AND region = ? AND not_before_ms > ?",
      region,
      nowMs,
    )
    const jobsIn = (state: JobState) =>
      jobs.find(one => one.region === region && one.state === state)?.jobs ?? 0
    const forecastMs = Number(row['spacing_ms'])
    const jobMs = forecastMs > pace.forecastMs ? forecastMs : pace.spacingMs
    const queued = jobsIn('queued')
    const pause = paused.find(one => one.region === undefined || one.region === region)
    return {
      region,
      spacingMs: pace.spacingMs * Number(row['slowdown']),
      jobMs,
      queued,
      sending: jobsIn('sending'),
      held: jobsIn('held'),
      later: Number(later?.['n'] ?? 0),
      ...optional('nextDeadlineMs', first?.['next']),
      ...optional('pausedSinceMs', pause?.sinceMs),
      lastMinute: calls.get(region) ?? { calls: 0, sent: 0, throttled: 0 },
    }
  })
}

/** A back-off takes some minutes at most, and few jobs have so little time left. */
function backOffIn(database: Database, { region, later }: Lane, nowMs: EpochMs, { marginMs }: Pace): BackOff {
  if (later === 0) return { lost: [] }
  const due = "state = 'queued' AND region = ?1 AND not_before_ms > ?2"
  const last = database.get(`SELECT MAX(not_before_ms) AS at FROM job WHERE ${due}`, region, nowMs)
  const lost = database.all(
    `SELECT deadline_ms FROM job INDEXED BY job_next WHERE ${due} AND deadline_ms < ?3 + ?4
       AND not_before_ms > deadline_ms - ?4 ORDER BY deadline_ms LIMIT ${MOST_LOST}`,
    region,
    nowMs,
    Number(last?.['at'] ?? 0),
    marginMs,
  )
  const inTime = database.get(
    `SELECT not_before_ms AS at FROM job INDEXED BY job_due WHERE ${due} AND not_before_ms <= deadline_ms - ?3
     ORDER BY not_before_ms DESC LIMIT 1`,
    region,
    nowMs,
    marginMs,
  )
  return { lost: lost.map(row => Number(row['deadline_ms'])), ...optional('lastDueMs', inTime?.['at']) }
}

function callsOfLastMinute(database: Database, nowMs: EpochMs): Map<string, RegionStats['lastMinute']> {
  const fromMs = nowMs - MINUTE_MS
  const rows = database.all(
    `SELECT region, COUNT(*) AS calls, COUNT(CASE WHEN what = 'sent' THEN 1 END) AS sent,
       COUNT(CASE WHEN what = 'throttled' THEN 1 END) AS throttled
     FROM event CROSS JOIN job ON job.seq = event.job
     WHERE event.rowid >= ? AND at_ms > ? AND what IN (${CALL_ENDED}) GROUP BY region`,
    firstEventFrom(database, fromMs),
    fromMs,
  )
  const number = (row: Row, name: string) => Number(row[name] ?? 0)
  return new Map(
    rows.map(row => [
      text(row['region']),
      { calls: number(row, 'calls'), sent: number(row, 'sent'), throttled: number(row, 'throttled') },
    ]),
  )
}

/** Finds the first event from that time on by a binary search, as the events are in order of time. */
function firstEventFrom(database: Database, fromMs: EpochMs): number {
  const newest = Number(database.get('SELECT MAX(rowid) AS n FROM event')?.['n'] ?? 0)
  let [low, high] = [Math.max(1, newest - LATEST_EVENTS + 1), newest + 1]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const row = database.get('SELECT at_ms FROM event WHERE rowid >= ? ORDER BY rowid LIMIT 1', middle)
    if (Number(row?.['at_ms']) > fromMs) high = middle
    else low = middle + 1
  }
  return low
}

function blockers(database: Database): Blocker[] {
  return blockedNow(database).map((blocked, index) => {
    if (index >= MOST_REASONS) return blocked
    const row = database.get(
      `SELECT reason FROM (
         SELECT reason, bounce_sender FROM job INDEXED BY job_due
         WHERE state = 'queued' AND region = ?1 AND not_before_ms > 0 LIMIT ${MOST_LOOKED_AT}
       ) WHERE reason <> '' AND bounce_sender = COALESCE(?2, bounce_sender) LIMIT 1`,
      blocked.region,
      blocked.bounceSender ?? null,
    )
    return { ...blocked, ...(row !== undefined && { why: text(row['reason']) }) }
  })
}

function optional<K extends string>(key: K, value: unknown): { [P in K]?: number } {
  return typeof value === 'number' ? ({ [key]: value } as { [P in K]?: number }) : {}
}

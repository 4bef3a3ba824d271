// Counts over the queue file for `overview`. Reads only; never holds up a writer.
// The counts are taken one after the other: a job that changes meanwhile may stand in two of them, or in none.

import { JOB_STATES, type JobState } from '../job'
import type { QueueOverview, RegionOverview, RuleCount } from '../overview'
import type { Pace } from '../store'
import { blockedNow } from './breaker'
import type { Database, Row } from './database'
import { type JobCount, jobCounts } from './job-counts'
import { bootId } from './lease-owner'
import { pauses } from './pauses'
import { projection } from './projection'
import { text } from './rows'

const MINUTE_MS = 60_000
/** More events than all regions' calls of a minute, and the mails that came meanwhile, make. */
const LATEST_EVENTS = 20_000
/** What an event says when a call has ended; a call that several recipients shared may end as split. */
const CALL_ENDED = "'sent', 'throttled', 'retry', 'unknown outcome', 'split', 'failed', 'interrupted'"

export function overview(database: Database, nowMs: number, pace: Pace): QueueOverview {
  const waiting = database.get("SELECT MIN(created_ms) AS oldest FROM job WHERE state = 'queued'")
  const counts = jobCounts(database)
  const regions = regionsOf(database, counts, nowMs, pace)
  const next = regions.flatMap(({ nextDeadlineMs }) => nextDeadlineMs ?? [])
  const heartbeat = database.get('SELECT beat_mono_ms AS beat FROM dispatcher WHERE boot_id = ?', bootId())
  return {
    states: sumsByState(counts),
    regions,
    blocked: blockedNow(database),
    ...optional('oldestMs', waiting?.['oldest']),
    ...(next.length > 0 && { nextDeadlineMs: Math.min(...next) }),
    ...optional('dispatcherBeatMonoMs', heartbeat?.['beat']),
  }
}

/** Also of a file of an earlier version, which keeps no counts. */
export function countByState(database: Database): Record<JobState, number> {
  const rows = database.all('SELECT state, COUNT(*) AS n FROM job GROUP BY state')
  return sumsByState(rows.map(row => ({ state: text(row['state']) as JobState, jobs: Number(row['n']) })))
}

function sumsByState(counts: readonly { state: JobState; jobs: number }[]): Record<JobState, number> {
  const sums = Object.fromEntries(JOB_STATES.map(state => [state, 0])) as Record<JobState, number>
  for (const { state, jobs } of counts) sums[state] += jobs
  return sums
}

/** Most of them first. */
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

function regionsOf(
  database: Database,
  counts: readonly JobCount[],
  nowMs: number,
  pace: Pace,
): RegionOverview[] {
  const paused = pauses(database)
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
      counts.find(one => one.region === region && one.state === state)?.jobs ?? 0
    const spacingMs = pace.spacingMs * Number(row['slowdown'])
    const forecastMs = Number(row['spacing_ms'])
    const jobMs = forecastMs > pace.forecastMs ? forecastMs : pace.spacingMs
    const queued = jobsIn('queued')
    const pause = paused.find(one => one.region === undefined || one.region === region)
    return {
      region,
      spacingMs,
      jobMs,
      queued,
      sending: jobsIn('sending'),
      later: Number(later?.['n'] ?? 0),
      ...optional('nextDeadlineMs', first?.['next']),
      ...optional('pausedSinceMs', pause?.sinceMs),
      lastMinute: calls.get(region) ?? { calls: 0, sent: 0, throttled: 0 },
      ...projection(database, region, queued, nowMs, { ...pace, spacingMs: jobMs }),
    }
  })
}

function callsOfLastMinute(database: Database, nowMs: number): Map<string, RegionOverview['lastMinute']> {
  const rows = database.all(
    `SELECT region, COUNT(*) AS calls, COUNT(CASE WHEN what = 'sent' THEN 1 END) AS sent,
       COUNT(CASE WHEN what = 'throttled' THEN 1 END) AS throttled
     FROM (SELECT * FROM event ORDER BY rowid DESC LIMIT ${LATEST_EVENTS}) AS latest JOIN job ON job.seq = latest.job
     WHERE at_ms > ? AND what IN (${CALL_ENDED}) GROUP BY region`,
    nowMs - MINUTE_MS,
  )
  const number = (row: Row, name: string) => Number(row[name] ?? 0)
  return new Map(
    rows.map(row => [
      text(row['region']),
      { calls: number(row, 'calls'), sent: number(row, 'sent'), throttled: number(row, 'throttled') },
    ]),
  )
}

function optional<K extends string>(key: K, value: unknown): { [P in K]?: number } {
  return typeof value === 'number' ? ({ [key]: value } as { [P in K]?: number }) : {}
}

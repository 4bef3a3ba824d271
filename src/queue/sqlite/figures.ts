// The queue's figures from its file: sums that are kept, ends of indexes, and a walk through slots. No job is counted.
// Reads only; they are taken one after the other: what changes meanwhile may stand in two of them, or in none.

import type { FiguresReader, QueueFigures, RegionFigures } from '../figures'
import type { Pace } from '../store'
import { spans } from './activity-buckets'
import { blockedNow } from './breaker'
import { recentDecisions, reloadState, ruleHits, sums } from './counters'
import { Database, type Row } from './database'
import { type JobCount, jobCounts } from './job-counts'
import { bootId } from './lease-owner'
import { mailTotals } from './mail-ledger'
import { pauses } from './pauses'
import { projection } from './projection'
import { relaySigns } from './relay-signs'
import { text } from './rows'
import { blockers, deadlineBuckets, soonest } from './timeline'

/** Readers of a WAL wait for nobody; only who opens the file while it is set up does. */
const BUSY_MS = 50

/** Never makes a file. @throws QueueError */
export function openFigures(file: string, home = ''): FiguresReader {
  const database = new Database(file, { busyMs: BUSY_MS, create: false })
  return {
    version: () => Number(database.pragma('data_version')[0]?.['data_version'] ?? 0),
    figures: (nowMs, pace) => figures(database, nowMs, pace),
    sums: () => sums(database),
    decisions: limit => recentDecisions(database, limit),
    ruleHits: () => ruleHits(database),
    reload: () => reloadState(database),
    soonest: limit => soonest(database, limit),
    spans: fromMs => spans(database, fromMs),
    deadlineBuckets: () => deadlineBuckets(database),
    blockers: () => blockers(database),
    mailTotals: () => mailTotals(database, home),
    relaySigns: nowMs => relaySigns(database, nowMs),
    close: () => database.close(),
  }
}

function figures(database: Database, nowMs: number, pace: Pace): QueueFigures {
  const jobs = jobCounts(database)
  const heartbeat = database.get('SELECT beat_mono_ms AS beat FROM dispatcher WHERE boot_id = ?', bootId())
  return {
    jobs,
    regions: regions(database, jobs, nowMs, pace),
    blocked: blocked(database),
    ...(typeof heartbeat?.['beat'] === 'number' && { dispatcherBeatMonoMs: heartbeat['beat'] }),
    reload: reloadState(database),
  }
}

function regions(database: Database, jobs: readonly JobCount[], nowMs: number, pace: Pace): RegionFigures[] {
  const paused = pauses(database)
  return database.all('SELECT name, slowdown, spacing_ms FROM region ORDER BY name').map(row => {
    const region = text(row['name'])
    const queued = jobs.find(one => one.region === region && one.state === 'queued')?.jobs ?? 0
    const { next } =
      database.get(
        "SELECT MIN(deadline_ms) AS next FROM job WHERE state = 'queued' AND region = ?",
        region,
      ) ?? {}
    return {
      region,
      spacingMs: pace.spacingMs * Number(row['slowdown']),
      queued,
      ...(typeof next === 'number' && { nextDeadlineMs: next }),
      isPaused: paused.some(one => one.region === undefined || one.region === region),
      ...projection(database, region, queued, nowMs, { ...pace, spacingMs: jobMs(row, pace) }),
    }
  })
}

/** As `overview` has it: what a job has taken lately, where that is more than it should. */
function jobMs(row: Row, pace: Pace): number {
  const forecastMs = Number(row['spacing_ms'])
  return forecastMs > pace.forecastMs ? forecastMs : pace.spacingMs
}

function blocked(database: Database): QueueFigures['blocked'] {
  const all = blockedNow(database)
  return [...new Set(all.map(({ region }) => region))].map(region => {
    const own = all.filter(one => one.region === region)
    return {
      region,
      senders: own.filter(({ bounceSender }) => bounceSender !== undefined).length,
      isWhole: own.some(({ bounceSender }) => bounceSender === undefined),
    }
  })
}

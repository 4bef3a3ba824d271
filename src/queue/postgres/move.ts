// Moves the contents of a queue file of SQLite into this queue. May be repeated: rows that are there stay as they are.

import { QueueError } from '../../errors'
import type { MonoMs } from '../../units'
import type { OtherRows, QueueContents, StoredJob } from '../sqlite/contents'
import { openConnection, type PostgresConnection } from './connection'
import { type PostgresTarget, placeOf } from './target'

export interface MoveReport {
  /** Jobs that were moved now. */
  moved: number
  /** Jobs that were here already. */
  known: number
  /** Ids of jobs that weren't moved: for one of their recipients this queue has another job. */
  others: string[]
}

/** A batch of jobs takes less than a second. */
const TIMEOUT_MS = 60_000
/** A dispatcher without a heartbeat for so long doesn't run: they come every second. */
const STALE_MS = 8000

/**
 * Refuses while a dispatcher runs, of the file or of this queue, and when the file is written meanwhile.
 * @throws QueueError
 */
export async function moveInto(
  target: PostgresTarget,
  file: string,
  contents: QueueContents,
  { monoMs, told }: { monoMs: () => MonoMs; told: (jobs: number, all: number) => void },
): Promise<MoveReport> {
  const connection = openConnection({
    ...target,
    connections: 1,
    timeoutMs: TIMEOUT_MS,
    connectTimeoutMs: target.timeoutMs,
  })
  try {
    const mustStandStill = async () => {
      if (contents.isLed(monoMs(), STALE_MS))
        throw new QueueError('QUEUE_BUSY', `${file}: a dispatcher runs; stop Haraka, and run this again`)
      await mustNotBeLed(connection)
    }
    await mustStandStill()
    const version = contents.version()
    const report: MoveReport = { moved: 0, known: 0, others: [] }
    let looked = 0
    for (const jobs of contents.eachJob()) {
      const done = await connection.call<MoveReport>('move_jobs_1', { jobs: jobs.map(jobOf) })
      report.moved += done.moved
      report.known += done.known
      report.others.push(...done.others)
      looked += jobs.length
      told(looked, contents.jobs)
      // a host may have started meanwhile
      await mustStandStill()
    }
    const { id, madeMs } = contents
    await connection.call('move_rest_2', { id, madeMs, rest: restOf(contents.others()) })
    if (contents.version() !== version)
      throw new QueueError(
        'QUEUE_BUSY',
        `${file}: the file was written while it was moved; stop Haraka, and run this again`,
      )
    return report
  } finally {
    await connection.close()
  }
}

/** @throws QueueError */
async function mustNotBeLed(connection: PostgresConnection): Promise<void> {
  const { leader, clockMs } = await connection.call<{
    leader: { token: string; host: string; beat_ms: number }
    clockMs: number
  }>('queue_stats_1', { nowMs: 0 })
  if (leader.token === '' || clockMs - leader.beat_ms >= STALE_MS) return
  throw new QueueError(
    'QUEUE_BUSY',
    `${placeOf(connection.target)}: the dispatcher of ${leader.host} leads; stop all hosts, and run this again`,
  )
}

/** The job in the form of PostgreSQL's tables: true where SQLite has 1, JSON where it has text. */
function jobOf({ job, recipients, events, refused }: StoredJob) {
  const { settled } = job
  return {
    job: {
      ...whole(job),
      call_begun: job['call_begun'] === 1,
      alone: job['alone'] === 1,
      settled: typeof settled === 'string' ? (JSON.parse(settled) as unknown) : null,
    },
    recipients: recipients.map(whole),
    events: events.map(whole),
    refused: refused ? [{ ...refused, put_back: refused['put_back'] === 1 }] : [],
  }
}

function restOf({ span, answer, decision, blocked, ...others }: OtherRows) {
  return {
    ...Object.fromEntries(Object.entries(others).map(([table, rows]) => [table, rows.map(whole)])),
    activity: span,
    blocked: blocked.map(row => ({ ...whole(row), by_refusals: row['by_refusals'] === 1 })),
    decision: decision.map(row => ({ ...whole(row), observed: row['observed'] === 1 })),
    answer: answer.map(({ answer: results, ...row }) => ({
      ...whole(row),
      results: JSON.parse(String(results)) as unknown,
    })),
  }
}

/** SQLite's columns hold a part of a millisecond, too. */
function whole(row: StoredJob['job']): StoredJob['job'] {
  const rounded = Object.entries(row).map(([name, value]) => [
    name,
    typeof value === 'number' && name.endsWith('_ms') ? Math.round(value) : value,
  ])
  return Object.fromEntries(rounded) as StoredJob['job']
}

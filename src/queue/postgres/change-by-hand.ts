// Changes of jobs by hand, and their entry in the audit. ../by-hand.ts has the rules. A change is decided from the rows
// that were read, and written only if they are unchanged; else they are read again.

import { QueueError } from '../../errors'
import type { EpochMs } from '../../units'
import type { AuditDraft } from '../audit'
import { decideAll, flushedPrefix } from '../by-hand'
import { DeadlineHistogram } from '../deadline-histogram'
import { type ByHand, type Flushed, type JobChange, MOST_CHANGED } from '../operator'
import { auditArgs } from './audit'
import type { PostgresConnection } from './connection'
import { type JobRow, jobOf } from './job-row'
import { placeOf } from './target'

/** A region's queue changes some times a second at most, and reading it takes less. */
const MOST_TRIES = 20

/** Facts have no recipients. */
type FactsRow = Omit<JobRow, 'recipients'>

interface Facts {
  jobs: FactsRow[]
  regions: Record<string, { version: string | null; spacingMs: number; deadlines: number[] }>
}

/** The results in the order of the ids. One transaction. */
export async function changeByHand(
  connection: PostgresConnection,
  ids: readonly string[],
  change: JobChange,
): Promise<ByHand[]> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const facts = await connection.call<Facts>('jobs_facts_1', { ids, queued: change.action === 'retry' })
    const byId = new Map(facts.jobs.map(row => [row.id, row]))
    const rows = ids.map(id => byId.get(id))
    const histograms = new Map<string, DeadlineHistogram>()
    const decided = decideAll(
      rows.map(row => row && jobOf({ ...row, recipients: [] })),
      change,
      region => {
        const { deadlines = [], spacingMs = 0 } = facts.regions[region] ?? {}
        const histogram = histograms.get(region) ?? new DeadlineHistogram(deadlines)
        histograms.set(region, histogram)
        return { histogram, spacingMs }
      },
    )
    if (await isWritten(connection, { rows, decided, facts, change }))
      return decided.map((one, index) =>
        'events' in one ? { value: { from: rows[index]?.state ?? one.state, to: one.state } } : one,
      )
  }
  const which = ids.length === 1 ? `job ${ids[0]} changes` : 'the jobs change'
  throw new QueueError('QUEUE_BUSY', `${placeOf(connection.target)}: ${which} all the time`)
}

/** False: something has changed since it was read. */
async function isWritten(
  connection: PostgresConnection,
  {
    rows,
    decided,
    facts,
    change,
  }: {
    rows: readonly (FactsRow | undefined)[]
    decided: ReturnType<typeof decideAll>
    facts: Facts
    change: JobChange
  },
): Promise<boolean> {
  const jobs = decided.flatMap((one, index) => {
    const row = rows[index]
    if (!('events' in one) || row === undefined) return []
    const { seq, state, changed_ms, claims } = row
    return [{ read: { seq, state, changed_ms, claims }, change: one }]
  })
  if (jobs.length === 0) return true
  const versions = Object.fromEntries(
    Object.entries(facts.regions).map(([region, { version }]) => [region, version]),
  )
  return connection.call('change_many_by_hand_1', {
    jobs,
    versions,
    now_ms: Math.round(change.nowMs),
    ...(change.audit && { audit: auditArgs(change.audit) }),
  })
}

/** Undefined: in every region. One transaction, for a limited number of jobs. */
export function flushByHand(
  connection: PostgresConnection,
  region: string | undefined,
  nowMs: EpochMs,
  audit: AuditDraft | undefined,
): Promise<Flushed> {
  return connection.call('flush_1', {
    ...(region !== undefined && { region }),
    now_ms: Math.round(nowMs),
    most: MOST_CHANGED,
    by: [flushedPrefix(audit)],
    ...(audit && { audit: auditArgs(audit) }),
  })
}

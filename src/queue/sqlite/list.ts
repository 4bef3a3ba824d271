// Jobs that match a filter, in the order of the operator's list.
// Only their numbers are held; jobs are read a few at a time when their turn comes, so that no reader stands in a
// writer's way.

import { addressKey } from '../../mail/address'
import { asciiLower } from '../ascii-lower'
import type { Job } from '../job'
import type { JobQuery } from '../operator'
import { senderTest } from '../sender-filter'
import type { Database } from './database'
import { jobsOf, text } from './rows'

/** Jobs that are read together. */
const AT_ONCE = 100

const ENDED = "state IN ('sent', 'failed', 'expired', 'cancelled')"

export function* listJobs(database: Database, query: JobQuery): IterableIterator<Job> {
  yield* readJobs(database, numbersOf(database, query), query)
}

/** Leaves out jobs that were deleted meanwhile, or have another state than the filter's. */
export function* readJobs(
  database: Database,
  numbers: readonly number[],
  { states }: JobQuery,
): IterableIterator<Job> {
  for (let from = 0; from < numbers.length; from += AT_ONCE) {
    const some = numbers.slice(from, from + AT_ONCE)
    const rows = database.all(
      'SELECT * FROM job WHERE seq IN (SELECT value FROM json_each(?))',
      JSON.stringify(some),
    )
    const bySeq = new Map(rows.map(row => [row['seq'], row]))
    yield* jobsOf(
      database,
      some.flatMap(seq => {
        const row = bySeq.get(seq)
        const isAsked = states?.some(state => state === row?.['state']) ?? true
        return row && isAsked ? [row] : []
      }),
    )
  }
}

function numbersOf(database: Database, query: JobQuery): number[] {
  const { limit = Number.POSITIVE_INFINITY } = query
  const numbers: number[] = []
  const rows = database.iterate(
    `SELECT seq, sender FROM job
     WHERE (?1 IS NULL OR state IN (SELECT value FROM json_each(?1)))
       AND (?2 IS NULL OR region = ?2)
       AND (?3 IS NULL OR ses_id = ?3)
       AND (?4 IS NULL OR EXISTS (SELECT 1 FROM recipient WHERE job = seq AND +rule = ?4))
       AND (?5 IS NULL OR EXISTS (SELECT 1 FROM recipient WHERE job = seq AND address_key = ?5))
       AND (?6 IS NULL OR instr(lower(reason), ?6) > 0)
       AND (?7 IS NULL OR changed_ms >= ?7)
       AND (?8 IS NULL OR changed_ms < ?8)
     ORDER BY ${ENDED}, CASE WHEN ${ENDED} THEN -changed_ms ELSE deadline_ms END, seq`,
    query.states === undefined ? null : JSON.stringify(query.states),
    query.region ?? null,
    query.sesId ?? null,
    query.rule ?? null,
    query.recipient === undefined ? null : addressKey(query.recipient),
    query.reason === undefined ? null : asciiLower(query.reason),
    query.sinceMs ?? null,
    query.untilMs ?? null,
  )
  const isFrom = senderTest(query.sender)
  // reads to the end, as an unfinished statement keeps its view of the file
  for (const row of rows)
    if (numbers.length < limit && isFrom(text(row['sender']))) numbers.push(Number(row['seq']))
  return numbers
}

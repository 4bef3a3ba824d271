// Jobs that match a filter: all in the order of the operator's list, or a page of them, newest first.
// Each statement looks at a limited number of jobs, however long the queue is and however few match. No cursor is held:
// the next part goes on behind the last job that was looked at, whatever came or went meanwhile.

import type { Job } from '../job'
import type { JobPage, JobQuery } from '../operator'
import { senderTest } from '../sender-filter'
import type { PostgresConnection } from './connection'
import { filterOf } from './job-filter'
import { type JobRow, jobOf } from './job-row'

/** Jobs that are read together: some hundred kilobytes. */
const AT_ONCE = 500
/** The most jobs that one statement looks at: some ten milliseconds. */
const MOST_LOOKED_AT = 3000

type Found = [seq: number, sender: string][]

/** The jobs by deadline, then the ended ones, latest change first. */
export async function* listJobs(connection: PostgresConnection, query: JobQuery): AsyncIterableIterator<Job> {
  const filter = filterOf(query)
  if (filter === undefined) return
  const isFrom = senderTest(query.sender)
  let left = query.limit ?? Number.POSITIVE_INFINITY
  let after: unknown
  do {
    const part = { ...filter, most: MOST_LOOKED_AT, ...(after !== undefined && { after }) }
    const { found, next } = await connection.call<{ found: Found; next: unknown }>('list_jobs_2', part)
    const numbers = numbersOf(found, isFrom).slice(0, left)
    left -= numbers.length
    yield* readJobs(connection, numbers, query)
    after = next
  } while (left > 0 && after !== null)
}

/** The counterpart of SQLite's pageOfJobs: a page may have fewer jobs than the limit. */
export async function pageOfJobs(
  connection: PostgresConnection,
  query: JobQuery & { limit: number },
): Promise<JobPage> {
  const { sender, limit, before = Number.MAX_SAFE_INTEGER } = query
  const filter = filterOf(query)
  if (filter === undefined) return { jobs: [] }
  const { found, last } = await connection.call<{ found: Found; last: number | null }>('find_jobs_2', {
    ...filter,
    before,
    most: MOST_LOOKED_AT,
  })
  const numbers = numbersOf(found, senderTest(sender))
  const page = numbers.slice(0, limit)
  const next = numbers.length > limit ? page.at(-1) : (last ?? undefined)
  const jobs: Job[] = []
  for await (const job of readJobs(connection, page, query)) jobs.push(job)
  return { jobs, ...(next !== undefined && { next }) }
}

function numbersOf(found: Found, isFrom: (sender: string) => boolean): number[] {
  return found.filter(([, sender]) => isFrom(sender)).map(([seq]) => seq)
}

/** Leaves out jobs that were deleted meanwhile, or have another state than the filter's. */
async function* readJobs(
  connection: PostgresConnection,
  numbers: readonly number[],
  { states }: JobQuery,
): AsyncIterableIterator<Job> {
  for (let from = 0; from < numbers.length; from += AT_ONCE) {
    const rows = await connection.call<JobRow[]>('jobs_by_number_1', {
      numbers: numbers.slice(from, from + AT_ONCE),
      ...(states && { states }),
    })
    yield* rows.map(jobOf)
  }
}

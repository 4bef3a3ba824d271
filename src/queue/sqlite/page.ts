// Jobs a page at a time, newest first. A page goes on where the one before ended, whatever came or went meanwhile.
// A page looks at a bounded number of jobs, however long the queue is and however rare the wanted jobs: it may hold
// fewer than the limit.

import { addressKey, domainOf } from '../../mail/address'
import { senderKeys } from '../../mail/sender-key'
import { asciiLower } from '../ascii-lower'
import type { JobPage, JobQuery } from '../operator'
import { senderTest } from '../sender-filter'
import type { Database, Value } from './database'
import { readJobs } from './list'
import { text } from './rows'

/** The most jobs read for one page: some milliseconds in a process that serves mail. */
export const MOST_LOOKED_AT = 3000
/** Rows read at a time if each must be checked afterwards. */
const AT_ONCE = 300

/** A condition with its values. */
type Term = readonly [sql: string, ...values: Value[]]

/** Jobs by an index, newest first. */
interface Source {
  table: string
  /** Its column with the number of the job. */
  seq: string
  terms: readonly Term[]
  join?: string
}

export function pageOfJobs(database: Database, query: JobQuery & { limit: number }): JobPage {
  const { sender, limit, before = Number.MAX_SAFE_INTEGER } = query
  if (sender?.startsWith('@') && domainOf(`x${sender}`) === undefined) return { jobs: [] }
  const source = sourceOf(database, query)
  const last = lastToLookAt(database, source, before)
  const found = search(database, source, query, { before, last: last ?? 0, enough: limit + 1 })
  const page = found.slice(0, limit)
  const next = found.length > limit ? page.at(-1) : last
  return { jobs: [...readJobs(database, page, query)], ...(next !== undefined && { next }) }
}

/** The most selective index for the filter. Of indexes with very many jobs, only one in order of age. */
function sourceOf(database: Database, { sesId, recipient, sender, rule, states }: JobQuery): Source {
  const jobs = (...terms: Term[]): Source => ({ table: 'job', seq: 'job.seq', terms })
  if (sesId !== undefined) return jobs(['job.seq IN (SELECT job FROM recipient WHERE ses_id = ?)', sesId])
  if (recipient !== undefined)
    return {
      table: 'recipient INDEXED BY recipient_address',
      seq: 'recipient.job',
      terms: [['address_key = ?', addressKey(recipient)]],
      join: ' CROSS JOIN job ON job.seq = recipient.job',
    }
  const rare = [
    ...(sender === undefined ? [] : [numbersOfSender(sender)]),
    ...(rule === undefined ? [] : [['SELECT job FROM recipient WHERE rule = ?', rule] satisfies Term]),
  ].find(term => isRare(database, term))
  // a + leaves the order to the numbers that were found
  if (rare !== undefined) {
    const [numbers, ...values] = rare
    return { ...jobs([`job.seq IN (${numbers})`, ...values]), seq: '+job.seq' }
  }
  const [state, ...others] = states ?? []
  // the index is of an expression, see answers.ts
  return state === undefined || others.length > 0 ? jobs() : jobs(["state || '' = ?", state])
}

/** Undefined: all jobs can be checked. */
function lastToLookAt(database: Database, { table, seq, terms }: Source, before: number): number | undefined {
  const row = database.get(
    `SELECT ${seq} AS seq FROM ${table} WHERE ${allOf(terms)} AND ${seq} < ?
     ORDER BY ${seq} DESC LIMIT 1 OFFSET ${MOST_LOOKED_AT - 1}`,
    ...valuesOf(terms),
    before,
  )
  return row && Number(row['seq'])
}

/** Returns numbers of jobs, no more than needed. */
function search(
  database: Database,
  { table, seq, terms, join = '' }: Source,
  query: JobQuery,
  { before, last, enough }: { before: number; last: number; enough: number },
): number[] {
  const looked = [...terms, ...looksOf(query)]
  const isFrom = senderTest(query.sender)
  // an exact look at the sender comes after the query, which can't say how many rows are enough
  const atOnce = query.sender === undefined ? enough : Math.max(enough, AT_ONCE)
  const found: number[] = []
  for (let from = before; found.length < enough; ) {
    const rows = database.all(
      `SELECT job.seq AS seq, sender FROM ${table}${join}
       WHERE ${allOf(looked)} AND ${seq} < ? AND ${seq} >= ? ORDER BY ${seq} DESC LIMIT ${atOnce}`,
      ...valuesOf(looked),
      from,
      last,
    )
    found.push(...rows.filter(row => isFrom(text(row['sender']))).map(row => Number(row['seq'])))
    if (rows.length < atOnce) break
    from = Number(rows.at(-1)?.['seq'])
  }
  return found
}

/** The conditions to check for each job. A + prevents the use of an index that may hold nearly all jobs. */
function looksOf(query: JobQuery): Term[] {
  const { sesId, recipient, sender, rule, region, states, reason, sinceMs, untilMs } = query
  const own = 'SELECT 1 FROM recipient WHERE recipient.job = job.seq'
  return [
    ...(region === undefined ? [] : [['+region = ?', region] satisfies Term]),
    ...(states === undefined
      ? []
      : [['+state IN (SELECT value FROM json_each(?))', JSON.stringify(states)] satisfies Term]),
    ...(sinceMs === undefined ? [] : [['+changed_ms >= ?', sinceMs] satisfies Term]),
    ...(untilMs === undefined ? [] : [['+changed_ms < ?', untilMs] satisfies Term]),
    ...(reason === undefined ? [] : [['instr(lower(reason), ?) > 0', asciiLower(reason)] satisfies Term]),
    ...(sender === undefined ? [] : [lookAtSender(sender)]),
    ...(rule === undefined ? [] : [[`EXISTS (${own} AND +rule = ?)`, rule] satisfies Term]),
    ...(recipient === undefined || sesId === undefined
      ? []
      : [[`EXISTS (${own} AND +address_key = ?)`, addressKey(recipient)] satisfies Term]),
  ]
}

/** By its indices, which an OR wouldn't use both of. '' stands for jobs that don't count for their sender. */
function numbersOfSender(sender: string): Term {
  if (sender.startsWith('@'))
    return ["SELECT seq FROM job WHERE sender_domain IN ('', ?)", domainOf(`x${sender}`) ?? '']
  const { plain, above, below } = senderKeys(sender)
  return [
    `SELECT seq FROM job WHERE sender_key IN ('', ?)
     UNION ALL SELECT seq FROM job WHERE sender_key > ? AND sender_key < ?`,
    plain,
    above,
    below,
  ]
}

/** The same condition for a job that was read. */
function lookAtSender(sender: string): Term {
  if (sender.startsWith('@')) return ["+sender_domain IN ('', ?)", domainOf(`x${sender}`) ?? '']
  const { plain, above, below } = senderKeys(sender)
  return ["(+sender_key IN ('', ?) OR (+sender_key > ? AND +sender_key < ?))", plain, above, below]
}

function isRare(database: Database, [sql, ...values]: Term): boolean {
  const row = database.get(`SELECT COUNT(*) AS n FROM (${sql} LIMIT ${MOST_LOOKED_AT})`, ...values)
  return Number(row?.['n'] ?? 0) < MOST_LOOKED_AT
}

function allOf(terms: readonly Term[]): string {
  return ['TRUE', ...terms.map(([sql]) => sql)].join(' AND ')
}

function valuesOf(terms: readonly Term[]): Value[] {
  return terms.flatMap(([, ...values]) => values)
}

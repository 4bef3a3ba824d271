// Jobs a page at a time, newest first. A page goes on where the one before ended, whatever came or went meanwhile.
// However long the queue and rare what is asked for, a page looks at a bounded number of jobs: it may hold fewer than asked.

import { addressKey } from '../../mail/address'
import { senderKey } from '../../mail/sender-key'
import type { JobFilter, JobPage } from '../store'
import type { Database, Value } from './database'
import { readJobs, senderTest } from './list'
import { text } from './rows'

/** Some milliseconds' work, in a process that serves mail meanwhile. */
const MOST_LOOKED_AT = 5000

/** Pieces of SQL with their values. */
interface Terms {
  sql: string[]
  values: Value[]
}

export function pageOfJobs(
  database: Database,
  filter: JobFilter,
  limit: number,
  before = Number.MAX_SAFE_INTEGER,
): JobPage {
  const inner = indexed(database, filter, before)
  const outer = looked(filter)
  const source = `SELECT seq, region, sender, sender_key FROM job WHERE ${inner.sql.join(' AND ')}
    ORDER BY seq DESC LIMIT ${MOST_LOOKED_AT}`
  // an exact look at the sender comes after the query, so it can't say how many rows are enough
  const enough = filter.sender === undefined ? limit + 1 : MOST_LOOKED_AT
  const rows = database.all(
    `SELECT seq, sender FROM (${source}) AS job WHERE ${outer.sql.join(' AND ')} ORDER BY seq DESC LIMIT ${enough}`,
    ...inner.values,
    ...outer.values,
  )
  const found = rows.filter(senderTest(filter.sender)).map(row => Number(row['seq']))
  const page = found.slice(0, limit)
  const next = found.length > limit ? page.at(-1) : lastLookedAt(database, source, inner.values)
  return { jobs: [...readJobs(database, page, filter)], ...(next !== undefined && { next }) }
}

/** What an index answers. */
function indexed(database: Database, filter: JobFilter, before: number): Terms {
  const terms: Terms = { sql: ['seq < ?'], values: [before] }
  const add = (sql: string, ...values: Value[]) => {
    terms.sql.push(sql)
    terms.values.push(...values)
  }
  if (filter.sesId !== undefined) add('ses_id = ?', filter.sesId)
  if (filter.recipient !== undefined)
    add('seq IN (SELECT job FROM recipient WHERE address_key = ?)', addressKey(filter.recipient))
  const key = keyOfSender(filter.sender)
  if (key !== undefined && isRare(database, key)) add(`seq IN (${BY_SENDER})`, key)
  // the index of the states is a good one, unless there is a better
  const state = terms.sql.length > 1 ? '+state' : "state || ''"
  if (filter.states !== undefined)
    add(`${state} IN (${filter.states.map(() => '?').join(', ')})`, ...filter.states)
  return terms
}

/** What each job has to be looked at for. */
function looked({ region, rule, sender }: JobFilter): Terms {
  const terms: Terms = { sql: ['TRUE'], values: [] }
  const add = (sql: string, value: Value) => {
    terms.sql.push(sql)
    terms.values.push(value)
  }
  if (region !== undefined) add('region = ?', region)
  // a + keeps the index of the rules out, in which a rule may have all recipients
  if (rule !== undefined) add('EXISTS (SELECT 1 FROM recipient WHERE job = seq AND +rule = ?)', rule)
  const key = keyOfSender(sender)
  if (key !== undefined) add("sender_key IN ('', ?)", key)
  return terms
}

/** '' stands for jobs that don't count for their sender. */
const BY_SENDER = "SELECT seq FROM job WHERE sender_key IN ('', ?)"

function keyOfSender(sender: string | undefined): string | undefined {
  return sender === undefined || sender.startsWith('@') ? undefined : senderKey(sender)
}

function isRare(database: Database, key: string): boolean {
  const row = database.get(`SELECT COUNT(*) AS n FROM (${BY_SENDER} LIMIT ${MOST_LOOKED_AT})`, key)
  return Number(row?.['n'] ?? 0) < MOST_LOOKED_AT
}

/** Undefined: all that there is was looked at. */
function lastLookedAt(database: Database, source: string, values: Value[]): number | undefined {
  const row = database.get(`SELECT MIN(seq) AS least, COUNT(*) AS n FROM (${source})`, ...values)
  return Number(row?.['n'] ?? 0) < MOST_LOOKED_AT ? undefined : Number(text(row?.['least']))
}

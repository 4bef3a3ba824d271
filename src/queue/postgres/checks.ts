// Checks each new connection before it is used: whether the database's writes are durable and its answers exact, and
// whether this program can work with its schema.

import { QueueError } from '../../errors'
import { MIGRATE, READ_ONLY, STANDBY, unreachable } from './faults'
import { NEEDED_VERSION } from './schema'
import { type PostgresTarget, placeOf, quoted } from './target'

type Ask = (sql: string) => Promise<Record<string, unknown>[]>

/** PostgreSQL 14; functions and statements are tested from there on. */
const OLDEST_VERSION = 140_000

const SERVER = `SELECT version() AS name, current_setting('server_version_num')::int AS number,
  current_setting('fsync', true) AS fsync, current_setting('full_page_writes', true) AS full_page_writes,
  current_setting('transaction_isolation') AS isolation, current_setting('server_encoding') AS encoding,
  pg_is_in_recovery() AS standby, current_setting('transaction_read_only') AS read_only,
  to_regproc('pg_catalog.aurora_version') IS NOT NULL AS aurora,
  (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS database_ms`

/** @throws QueueError QUEUE_NOT_DURABLE, QUEUE_UNREACHABLE */
export async function checkServer(target: PostgresTarget, ask: Ask): Promise<void> {
  // not each of them could answer the next question
  const [named] = await ask('SELECT version() AS name')
  const other = OTHERS.find(one => one.is.test(String(named?.['name'])) || one.host?.test(target.host))
  if (other)
    throw unfit(target, `${other.name} isn't PostgreSQL, and has no functions as the queue needs them`)
  const [found = {}] = await ask(SERVER)
  if (Number(found['number']) < OLDEST_VERSION)
    throw unfit(target, `${String(found['name']).split(' on ')[0]}: the queue needs PostgreSQL 14 or later`)
  if (found['standby'] === true) throw unreachable(target, STANDBY)
  if (found['read_only'] === 'on') throw unreachable(target, READ_ONLY)
  const lossy = found['aurora'] === true ? undefined : KEEPS_ALL.find(setting => found[setting] === 'off')
  if (lossy) throw unfit(target, `${lossy} is off: what is answered with 250 could be lost`)
  if (found['isolation'] !== 'read committed') {
    throw unfit(
      target,
      `default_transaction_isolation is ${String(found['isolation'])}: the queue needs read committed`,
    )
  }
  if (found['encoding'] !== 'UTF8')
    throw unfit(target, `the database's encoding is ${String(found['encoding'])}: the queue needs UTF8`)
}

/** They speak PostgreSQL's protocol. */
const OTHERS: readonly { name: string; is: RegExp; host?: RegExp }[] = [
  { name: 'CockroachDB', is: /CockroachDB/i, host: /\.cockroachlabs\.cloud$/i },
  // it names itself PostgreSQL (Aurora DSQL User Guide, "Connecting": CLUSTER.dsql.REGION.on.aws)
  { name: 'Aurora DSQL', is: /\bDSQL\b/i, host: /\.dsql[\w-]*\.[\w-]+\.on\.aws$/i },
  { name: 'YugabyteDB', is: /Yugabyte|-YB-/i },
]

/** Aurora's storage has no pages that a crash could tear, and writes no log of its own: both say nothing there. */
const KEEPS_ALL = ['fsync', 'full_page_writes'] as const

/** @throws QueueError QUEUE_OLDER, QUEUE_NEWER */
export async function checkSchema(target: PostgresTarget, ask: Ask): Promise<void> {
  const name = `${quoted(target.schema)}.meta`
  const [there] = await ask(`SELECT to_regclass(${literal(name)}) IS NOT NULL AS there`)
  const [meta] = there?.['there'] === true ? await ask(`SELECT version, least_reader FROM ${name}`) : []
  checkVersion(
    target,
    meta && { version: Number(meta['version']), leastReader: Number(meta['least_reader']) },
  )
}

export interface SchemaVersion {
  version: number
  leastReader: number
}

/** `found` undefined: there is no schema. @throws QueueError QUEUE_OLDER, QUEUE_NEWER */
export function checkVersion(
  target: PostgresTarget,
  found: SchemaVersion | undefined,
  needed = NEEDED_VERSION,
): void {
  if (found === undefined) {
    throw new QueueError(
      'QUEUE_OLDER',
      `${placeOf(target)}: there is no schema "${target.schema}" with a queue: run ${MIGRATE}`,
    )
  }
  if (found.version < needed) {
    throw new QueueError(
      'QUEUE_OLDER',
      `${placeOf(target)}: the schema is of version ${found.version}, this program needs ${needed}: run ${MIGRATE}`,
    )
  }
  if (found.version > needed && found.leastReader > needed) {
    throw new QueueError(
      'QUEUE_NEWER',
      `${placeOf(target)}: the schema is of version ${found.version}, and this program knows ${needed} at most; install the newer one again`,
    )
  }
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

function unfit(target: PostgresTarget, text: string): QueueError {
  return new QueueError('QUEUE_NOT_DURABLE', `${placeOf(target)}: ${text}`)
}

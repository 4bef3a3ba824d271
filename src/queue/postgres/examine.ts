// Reads facts about a database and this program's rights in it, for `check --online`. Changes nothing.

import { errorMessage, QueueError } from '../../errors'
import type { BounceRequest } from '../../policy/decision'
import type { DatabaseFacts, SchemaFacts } from '../database-facts'
import { checkSchema } from './checks'
import { openConnection, type PostgresConnection } from './connection'
import { isFault } from './faults'
import { NEEDED_VERSION } from './schema'
import { type PostgresTarget, quoted } from './target'
import { requestOf } from './worker-queue'

const ROUND_TRIPS = 7
/** Raised to roll back. Of a class that is free for applications. */
const ROLL_BACK = 'SB010'

/** @throws QueueError it can't be reached, or wouldn't keep what it is given */
export async function examineDatabase(target: PostgresTarget): Promise<DatabaseFacts> {
  const connection = openConnection(target, { anySchema: true })
  try {
    const base = await baseFacts(connection)
    const schemaFault = await faultOf(() => checkSchema(target, sql => connection.rows(sql)))
    if (schemaFault !== undefined) return { ...base, schemaFault }
    return { ...base, schema: await schemaFacts(connection) }
  } finally {
    await connection.close()
  }
}

async function baseFacts(connection: PostgresConnection): Promise<DatabaseFacts> {
  const { schema: name } = connection.target
  const [row = {}] = await connection.rows(BASE, [name])
  const number = (key: string) => Number(row[key] ?? 0)
  const tls = row['tls']
  return {
    product: String(row['product']).split(' on ', 1)[0] ?? '',
    isAurora: row['is_aurora'] === true,
    isRds: row['is_rds'] === true,
    login: String(row['login']),
    ...(typeof tls === 'string' && { tls }),
    roundTripMs: await roundTripMs(connection),
    skewMs: connection.clock.skewMs() ?? 0,
    synchronousCommit: String(row['synchronous_commit']),
    standbys: (row['standbys'] ?? []) as (string | null)[],
    mostConnections: number('most_connections'),
    longestTransactionS: number('longest_s'),
    pooler: await poolerOf(connection),
    canCreate: row['can_create'] === true,
  }
}

const BASE = `SELECT version() AS product, current_user::text AS login,
  to_regproc('pg_catalog.aurora_version') IS NOT NULL AS is_aurora,
  EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_superuser') AS is_rds,
  (SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl) AS tls,
  current_setting('synchronous_commit') AS synchronous_commit,
  ARRAY(SELECT sync_state FROM pg_stat_replication WHERE state IS NULL OR state IN ('streaming', 'catchup')) AS standbys,
  current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS most_connections,
  (SELECT COALESCE(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::float8 FROM pg_stat_activity
    WHERE pid <> pg_backend_pid()) AS longest_s,
  CASE WHEN to_regnamespace(quote_ident($1)) IS NULL THEN has_database_privilege(current_database(), 'CREATE')
    ELSE has_schema_privilege(quote_ident($1)::regnamespace, 'CREATE') END AS can_create`

async function roundTripMs(connection: PostgresConnection): Promise<number> {
  const took: number[] = []
  for (let count = 0; count < ROUND_TRIPS; count++) {
    const sentMs = connection.clock.monoMs()
    await connection.rows(TIME)
    took.push(connection.clock.monoMs() - sentMs)
  }
  return took.toSorted((one, other) => one - other)[Math.floor(ROUND_TRIPS / 2)] ?? 0
}

/** Its answer also sets the clock. */
const TIME = 'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS database_ms'

/** Two connections of ours that the server sees as one are shared by a pooler. */
async function poolerOf(connection: PostgresConnection): Promise<DatabaseFacts['pooler']> {
  const other = openConnection({ ...connection.target, connections: 1 }, { anySchema: true })
  try {
    const ask = async (one: PostgresConnection) => (await one.rows(BACKEND))[0]
    const [own, second] = [await ask(connection), await ask(other)]
    if (own?.['pid'] === second?.['pid']) return 'transaction'
    return other.localPorts().includes(Number(second?.['port'])) ? 'none' : 'unknown'
  } finally {
    await other.close()
  }
}

const BACKEND = 'SELECT pg_backend_pid() AS pid, inet_client_port() AS port'

async function schemaFacts(connection: PostgresConnection): Promise<SchemaFacts> {
  const { target, schema } = connection
  const forbidden = await connection.rows(FORBIDDEN, [target.schema])
  const [counts] = await connection.rows(
    `SELECT (SELECT version FROM ${schema}.meta) AS version, (SELECT count(*) FROM ${schema}.host
       WHERE seen_ms > (extract(epoch FROM clock_timestamp()) - 60) * 1000) AS hosts`,
  )
  const addFault = await addFaultOf(connection)
  return {
    version: Number(counts?.['version'] ?? NEEDED_VERSION),
    hosts: Number(counts?.['hosts'] ?? 0),
    forbidden: forbidden.map(row => String(row['name'])),
    ...(addFault !== undefined && { addFault }),
  }
}

const FORBIDDEN = `SELECT relname AS name FROM pg_class
  WHERE relnamespace = quote_ident($1)::regnamespace AND relkind = 'r' AND NOT (has_table_privilege(oid, 'SELECT')
    AND has_table_privilege(oid, 'INSERT') AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE'))
  UNION ALL
  SELECT proname || '()' FROM pg_proc
  WHERE pronamespace = quote_ident($1)::regnamespace AND NOT has_function_privilege(oid, 'EXECUTE')
  ORDER BY 1`

/** Adds a bounce as a worker does, in a transaction that always fails. */
async function addFaultOf(connection: PostgresConnection): Promise<string | undefined> {
  const nowMs = connection.clock.nowMs()
  const args = JSON.stringify({ now_ms: nowMs, requests: [requestOf(sample(nowMs), nowMs)] })
  const text = `DO $examine$ BEGIN
    PERFORM ${quoted(connection.target.schema)}.add_bounces_1('${args.replaceAll("'", "''")}'::jsonb);
    RAISE EXCEPTION 'rolled back' USING ERRCODE = '${ROLL_BACK}';
  END $examine$`
  try {
    await connection.script(text, connection.target.timeoutMs)
    return 'it was not rolled back'
  } catch (error) {
    return isFault(error, ROLL_BACK) ? undefined : errorMessage(error)
  }
}

/** RFC 2606: names that nobody has. */
function sample(nowMs: number): BounceRequest {
  return {
    sesId: 'ses-bounce-check',
    region: 'none',
    receivedAtMs: nowMs,
    deadlineMs: nowMs + 60_000,
    sender: 'check@example.invalid',
    senderKey: '',
    bounceSender: 'check@example.invalid',
    reportingMta: 'dns; example.invalid',
    rule: 'check',
    caps: [],
    recipient: {
      address: 'check@example.invalid',
      bounceType: 'Undefined',
      status: '5.0.0',
      diagnostic: 'smtp; 550 check',
    },
  }
}

async function faultOf(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    if (error instanceof QueueError && (error.code === 'QUEUE_OLDER' || error.code === 'QUEUE_NEWER'))
      return error.message
    throw error
  }
}

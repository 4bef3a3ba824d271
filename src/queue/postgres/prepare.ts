// Brings a schema to the version that this program needs: its tables by steps, and its functions. Everything in one
// transaction, under a lock, so that several hosts may start at once. Nothing is deleted here.

import { randomBytes } from 'node:crypto'
import { QueueError } from '../../errors'
import { checkVersion, type SchemaVersion } from './checks'
import { openConnection, type PostgresConnection } from './connection'
import { MIGRATE } from './faults'
import {
  NEEDED_VERSION,
  SCHEMA_FUNCTIONS,
  SCHEMA_STEPS,
  type SchemaFunction,
  type SchemaStep,
} from './schema'
import { type PostgresTarget, placeOf, quoted } from './target'

/** A step waits so long for a lock at most: all that come after wait behind it. */
const LOCK_TIMEOUT_MS = 2000
const TRIED_MS = 60_000
const AGAIN_MS = 500
/** A step may go over all rows. */
const STEP_TIMEOUT_MS = 60_000

/** The texts of this program; a test has others. */
export interface SchemaTexts {
  steps: readonly SchemaStep[]
  functions: readonly SchemaFunction[]
}

const OWN: SchemaTexts = { steps: SCHEMA_STEPS, functions: SCHEMA_FUNCTIONS }

interface Found extends SchemaVersion {
  hasSchema: boolean
  /** The digests of the functions by name. */
  functions: ReadonlyMap<string, string>
}

/**
 * `migrates` false: the schema must be of the right version already.
 * @throws QueueError QUEUE_OLDER, QUEUE_NEWER, QUEUE_NOT_DURABLE, QUEUE_UNREACHABLE, QUEUE_UNWRITABLE
 */
export async function prepareSchema(
  target: PostgresTarget,
  { migrates, texts = OWN }: { migrates: boolean; texts?: SchemaTexts },
): Promise<void> {
  const connection = openConnection({ ...target, connections: 1 }, { anySchema: true })
  try {
    const endMs = performance.now() + TRIED_MS
    while (!(await step(connection, migrates, texts, endMs))) await later(AGAIN_MS)
  } finally {
    await connection.close()
  }
}

/** True: the schema is as this program needs it. */
async function step(
  connection: PostgresConnection,
  migrates: boolean,
  texts: SchemaTexts,
  endMs: number,
): Promise<boolean> {
  const { target } = connection
  const needed = texts.steps.at(-1)?.version ?? NEEDED_VERSION
  const found = await foundIn(connection)
  const missing = texts.functions.filter(({ name, digest }) => found.functions.get(name) !== digest)
  const isRead = found.version > 0
  if (found.version > needed || !migrates) checkVersion(target, isRead ? found : undefined, needed)
  const steps = texts.steps.filter(({ version }) => version > found.version)
  if (steps.length === 0 && missing.length === 0) return true
  if (!migrates) throw lacksFunctions(target, missing.length)
  try {
    await connection.script(scriptOf(target, found, steps, missing), STEP_TIMEOUT_MS)
    return true
  } catch (error) {
    const passes = error instanceof QueueError && error.code === 'QUEUE_BUSY'
    if (!passes || performance.now() >= endMs) throw error
    return false
  }
}

/** The schema has the right version, but its functions are those of another program of that version. */
function lacksFunctions(target: PostgresTarget, count: number): QueueError {
  const text = `the schema lacks ${count} functions of this program: run ${MIGRATE}`
  return new QueueError('QUEUE_OLDER', `${placeOf(target)}: ${text}`)
}

async function foundIn(connection: PostgresConnection): Promise<Found> {
  const { schema } = connection.target
  const [there] = await connection.rows(
    `SELECT to_regnamespace(quote_ident($1)) IS NOT NULL AS schema,
       to_regclass(quote_ident($1) || '.meta') IS NOT NULL AS meta`,
    [schema],
  )
  const [meta] =
    there?.['meta'] === true
      ? await connection.rows(`SELECT version, least_reader FROM ${connection.schema}.meta`)
      : []
  const functions = await connection.rows(
    `SELECT proname AS name, obj_description(oid, 'pg_proc') AS digest FROM pg_proc
     WHERE pronamespace = to_regnamespace(quote_ident($1))`,
    [schema],
  )
  return {
    hasSchema: there?.['schema'] === true,
    version: Number(meta?.['version'] ?? 0),
    leastReader: Number(meta?.['least_reader'] ?? 0),
    functions: new Map(functions.map(row => [String(row['name']), String(row['digest'])])),
  }
}

/** Sent as one message, it is one transaction (PostgreSQL: "Multiple Statements in a Simple Query"). */
function scriptOf(
  { schema }: PostgresTarget,
  found: Found,
  steps: readonly SchemaStep[],
  functions: readonly SchemaFunction[],
): string {
  const name = quoted(schema)
  const last = steps.at(-1)
  return [
    `SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`,
    `SELECT pg_advisory_xact_lock(hashtext('ses-bounce'), hashtext(${literal(schema)}))`,
    ...(found.hasSchema ? [] : [`CREATE SCHEMA IF NOT EXISTS ${name}`]),
    `SET LOCAL search_path = ${name}, pg_temp`,
    stillOf(found.version),
    ...steps.map(({ sql }) => sql),
    ...functions.flatMap(one => [
      one.sql,
      `COMMENT ON FUNCTION ${quoted(one.name)} IS ${literal(one.digest)}`,
    ]),
    ...(last === undefined ? [] : [metaOf(found, last)]),
  ].join(';\n')
}

/** Another host may have taken the steps while this one waited for the lock. */
function stillOf(version: number): string {
  const current = version === 0 ? "to_regclass('meta') IS NULL" : `(SELECT version = ${version} FROM meta)`
  return `DO $still$ BEGIN
    IF NOT ${current} THEN
      RAISE EXCEPTION 'another host is changing the schema' USING ERRCODE = 'SB002';
    END IF;
  END $still$`
}

function metaOf(found: Found, { version, leastReader = Math.max(1, found.leastReader) }: SchemaStep): string {
  if (found.version > 0) return `UPDATE meta SET version = ${version}, least_reader = ${leastReader}`
  return `INSERT INTO meta (one, version, least_reader, made_ms, secret)
    VALUES (1, ${version}, ${leastReader}, floor(extract(epoch FROM clock_timestamp()) * 1000),
      ${literal(randomBytes(32).toString('hex'))})`
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

function later(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

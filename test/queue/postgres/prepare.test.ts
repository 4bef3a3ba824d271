// The schema of a queue: made by the first host that starts, changed while others wait, never half.

import assert from 'node:assert/strict'
import type { QueueError } from '../../../src/errors'
import { openConnection } from '../../../src/queue/postgres/connection'
import { prepareSchema, type SchemaTexts } from '../../../src/queue/postgres/prepare'
import { NEEDED_VERSION, SCHEMA_FUNCTIONS, SCHEMA_STEPS } from '../../../src/queue/postgres/schema'
import type { PostgresTarget } from '../../../src/queue/postgres/target'
import { DATABASE, LOGIN } from '../../postgres/server'
import { freshSchema, sharedPort } from '../../postgres/shared'

describe('the schema of a shared queue', () => {
  let target: PostgresTarget
  let remove: () => Promise<void>
  beforeEach(async () => {
    const fresh = await freshSchema()
    remove = fresh.remove
    target = {
      host: '127.0.0.1',
      port: await sharedPort(),
      user: LOGIN,
      database: DATABASE,
      schema: fresh.schema,
      connections: 1,
      timeoutMs: 5000,
    }
  })
  afterEach(() => remove())

  const prepare = (migrates = true, texts?: SchemaTexts) =>
    prepareSchema(target, { migrates, ...(texts && { texts }) })

  async function ask(sql: string, to = target): Promise<Record<string, unknown>[]> {
    const connection = openConnection(to, { anySchema: true })
    try {
      return await connection.rows(sql)
    } finally {
      await connection.close()
    }
  }

  const failsWith = (code: string, message: RegExp) => (error: QueueError) => {
    assert.match(error.message, message)
    return error.code === code
  }

  it('is made once by hosts that start at once, and not written again', async () => {
    await Promise.all([prepare(), prepare(), prepare(), prepare()])
    const sql = `SELECT (SELECT version FROM ${target.schema}.meta) AS version,
      (SELECT max(xmin::text::bigint) FROM pg_proc WHERE pronamespace = '${target.schema}'::regnamespace) AS written`
    const [made] = await ask(sql)
    assert.equal(made?.['version'], NEEDED_VERSION)
    await prepare()
    await prepare(false)
    assert.deepEqual(await ask(sql), [made])
  })

  it('has functions that look nowhere else, in plans as for a full queue', async () => {
    await prepare()
    const rows = await ask(
      `SELECT proname, proconfig FROM pg_proc WHERE pronamespace = '${target.schema}'::regnamespace
         AND prorettype <> 'trigger'::regtype AND proname ~ '_\\d+$'`,
    )
    assert.equal(rows.length, SCHEMA_FUNCTIONS.length)
    for (const { proname, proconfig } of rows)
      for (const one of [`search_path=${target.schema}, pg_temp`, 'enable_seqscan=off', 'jit=off'])
        assert.ok((proconfig as string[]).includes(one), `${String(proname)}: ${one}`)
  })

  it('is asked for by hand where migrate = by hand', async () => {
    const older = failsWith(
      'QUEUE_OLDER',
      /: there is no schema ".*" with a queue: run .*ses-bounce queue migrate; see/,
    )
    await assert.rejects(prepare(false), older)
    await assert.rejects(prepare(false), older)
    await prepare()
    await ask(`UPDATE ${target.schema}.meta SET version = ${NEEDED_VERSION - 1}`)
    const text = `the schema is of version ${NEEDED_VERSION - 1}, this program needs ${NEEDED_VERSION}: run .*queue migrate`
    await assert.rejects(prepare(false), failsWith('QUEUE_OLDER', new RegExp(text)))
    await ask(`UPDATE ${target.schema}.meta SET version = ${NEEDED_VERSION}`)
    await ask(`DROP FUNCTION ${target.schema}.look_1`)
    await assert.rejects(prepare(false), failsWith('QUEUE_OLDER', /lacks 1 functions of this program: run/))
    await prepare()
    await prepare(false)
  })

  it('of a newer program is used as long as that says so', async () => {
    await prepare()
    await ask(`UPDATE ${target.schema}.meta SET version = 99`)
    await prepare()
    await prepare(false)
    const connection = openConnection(target)
    await connection.call('look_1', { now_ms: await connection.queueClock.learn() })
    await connection.close()
    await ask(`UPDATE ${target.schema}.meta SET least_reader = 98`)
    const newer = failsWith(
      'QUEUE_NEWER',
      /of version 99, and this program knows \d+ at most; install the newer one/,
    )
    await assert.rejects(prepare(), newer)
    const later = openConnection(target)
    await assert.rejects(later.rows('SELECT 1'), newer)
    await later.close()
  })

  it('is as before when a step fails', async () => {
    await prepare()
    const version = NEEDED_VERSION + 1
    const sql = 'CREATE TABLE half (n int); SELECT 1 / 0'
    const texts = { steps: [...SCHEMA_STEPS, { version, sql }], functions: SCHEMA_FUNCTIONS }
    await assert.rejects(prepare(true, texts), failsWith('QUEUE_OTHER', /division by zero/))
    const [row] = await ask(
      `SELECT version, to_regclass('${target.schema}.half') IS NULL AS none FROM ${target.schema}.meta`,
    )
    assert.deepEqual(row, { version: NEEDED_VERSION, none: true })
    await prepare(false)
  })

  it('says which version a program needs at least to work with it', async () => {
    await prepare()
    const version = NEEDED_VERSION + 1
    const sql = 'ALTER TABLE job ADD COLUMN more int'
    const step = { version, leastReader: 3, sql }
    await prepare(true, { steps: [...SCHEMA_STEPS, step], functions: SCHEMA_FUNCTIONS })
    assert.deepEqual(await ask(`SELECT version, least_reader FROM ${target.schema}.meta`), [
      { version, least_reader: 3 },
    ])
  })

  it('waits for another host that holds a lock, and goes on after it', async () => {
    await prepare()
    const version = NEEDED_VERSION + 1
    const texts = {
      steps: [...SCHEMA_STEPS, { version, sql: 'ALTER TABLE job ADD COLUMN more int' }],
      functions: SCHEMA_FUNCTIONS,
    }
    const holder = openConnection({ ...target, timeoutMs: 20_000 }, { anySchema: true })
    const held = holder.script(
      `LOCK TABLE ${target.schema}.job IN ACCESS SHARE MODE; SELECT pg_sleep(3)`,
      20_000,
    )
    await prepare(true, texts)
    await held
    await holder.close()
    assert.equal((await ask(`SELECT version FROM ${target.schema}.meta`))[0]?.['version'], version)
  })
})

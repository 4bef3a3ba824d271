// A process with a database that fails, and with values that the database can't hold.

import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { QueueError } from '../../../src/errors'
import { openConnection, type PostgresConnection } from '../../../src/queue/postgres/connection'
import type { PostgresTarget } from '../../../src/queue/postgres/target'
import { until } from '../../live/support/wait'
import { TcpProxy } from '../../postgres/proxy'
import { DATABASE, LOGIN, type PostgresServer, startServer } from '../../postgres/server'
import { temporaryFolder } from '../support'
import { preparedSchema, type TestSchema } from './support'

const TIMEOUT_MS = 1500
/** Calls fail at once for 500 ms after a fault; and a little more, as timers aren't exact. */
const REST_MS = 600
/** The settings with which the server starts. */
const DURABLE = { fsync: 'on', full_page_writes: 'on' }
/** For a machine that is busy. Two waits after each other are longer. */
const MARGIN_MS = 1400

describe('the connection to a database', () => {
  let schema: TestSchema
  let target: PostgresTarget
  let proxy: TcpProxy
  const opened: PostgresConnection[] = []
  before(async () => {
    schema = await preparedSchema()
    proxy = await TcpProxy.start(schema.target.port)
    target = { ...schema.target, port: proxy.port, timeoutMs: TIMEOUT_MS }
  })
  afterEach(async () => {
    proxy.heal()
    for (const connection of opened.splice(0)) await connection.close()
  })
  after(async () => {
    await proxy.close()
    await schema.remove()
  })

  function open(changes: Partial<PostgresTarget> = {}): PostgresConnection {
    const connection = openConnection({ ...target, ...changes })
    opened.push(connection)
    return connection
  }

  it('ends the wait for an answer in time, fails at once for a while, and is well at once afterwards', async () => {
    const connection = open()
    await one(connection)
    proxy.hole()
    const { fault, ms } = await faultOf(connection)
    assert.equal(fault.message, `127.0.0.1:${proxy.port}/mail: no answer within ${TIMEOUT_MS} ms`)
    assert.ok(ms < TIMEOUT_MS + MARGIN_MS, `${ms} ms`)
    proxy.heal()
    const atOnce = await faultOf(connection)
    assert.ok(atOnce.ms < MARGIN_MS && atOnce.fault.code === 'QUEUE_UNREACHABLE', `${atOnce.ms} ms`)
    await pause(REST_MS)
    await one(connection)
  })

  it('is tried by one call after a fault, while the others fail at once', async () => {
    const connection = open({ connections: 3 })
    await one(connection)
    proxy.hole()
    await faultOf(connection)
    await pause(REST_MS)
    const all = await Promise.all([faultOf(connection), faultOf(connection), faultOf(connection)])
    const waited = all.filter(({ ms }) => ms > TIMEOUT_MS / 2)
    assert.equal(waited.length, 1)
    proxy.heal()
    await pause(REST_MS)
    await Promise.all([one(connection), one(connection).catch(() => undefined)])
    await Promise.all([one(connection), one(connection), one(connection)])
  })

  it('ends the waits of all calls together, also of those in line for a connection', async () => {
    const connection = open({ connections: 1 })
    await one(connection)
    proxy.hole()
    const all = await Promise.all([faultOf(connection), faultOf(connection), faultOf(connection)])
    for (const { ms } of all) assert.ok(ms < TIMEOUT_MS + MARGIN_MS, `${ms} ms`)
  })

  it('fails for a moment only when the database ends a connection, and ends no process', async () => {
    const connection = open()
    await one(connection)
    // an idle one
    proxy.drop()
    await until(() => one(connection).catch(() => undefined), { what: 'an answer', timeoutMs: 5000 })
    const { fault } = await faultOf(connection, 'SELECT pg_terminate_backend(pg_backend_pid())')
    assert.equal(fault.code, 'QUEUE_UNREACHABLE')
    await until(() => one(connection).catch(() => undefined), { what: 'an answer', timeoutMs: 5000 })
  })

  it('goes on for other calls while one waits for too long', async () => {
    const connection = open()
    const slow = faultOf(connection, 'SELECT pg_sleep(3)')
    let answers = 0
    while ((await Promise.race([slow, pause(1, 'not yet')])) === 'not yet') {
      await one(connection)
      answers++
    }
    assert.match((await slow).fault.message, /no answer within/)
    assert.ok(answers > 1)
    await one(connection)
  })

  it('closes in time also when the database is silent', async () => {
    const connection = open()
    await one(connection)
    proxy.hole()
    const startMs = performance.now()
    await connection.close()
    assert.ok(performance.now() - startMs < TIMEOUT_MS + MARGIN_MS)
  })

  it('says what is wrong where the database can not be used', async () => {
    const place = `127.0.0.1:${proxy.port}/`
    for (const [changes, message] of [
      [
        { user: 'stranger' },
        `${place}mail: the database refuses the login of "stranger": role "stranger" does not exist`,
      ],
      [{ database: 'other' }, `${place}other: database "other" does not exist`],
      [{ port: 1 }, '127.0.0.1:1/mail: connect ECONNREFUSED 127.0.0.1:1'],
      [
        { ca: '/nowhere/ca.pem' },
        `${place}mail: ca can't be read: ENOENT: no such file or directory, open '/nowhere/ca.pem'`,
      ],
      [
        { password: 'file:/nowhere', user: 'stranger' },
        `${place}mail: the database refuses the login of "stranger": role "stranger" does not exist`,
      ],
      // the server has no TLS
      [{ host: 'localhost.localdomain.invalid' }, /ENOTFOUND|EAI_AGAIN/],
    ] as const) {
      const { fault } = await faultOf(open(changes))
      assert.equal(fault.code, 'QUEUE_UNREACHABLE', fault.message)
      if (typeof message === 'string') assert.equal(fault.message, message)
      else assert.match(fault.message, message)
    }
    const { fault } = await faultOf(open({ schema: 'nowhere' }))
    assert.match(fault.message, /there is no schema "nowhere" with a queue: run .* queue migrate; see docs/)
    assert.equal(fault.code, 'QUEUE_OLDER')
  })

  it('insists on TLS, but to loopback', async () => {
    const { fault } = await faultOf(open({ host: '0.0.0.0' }))
    assert.match(fault.message, /The server does not support SSL connections/)
  })

  it('gives numbers as numbers, and refuses one that is too large', async () => {
    const connection = open()
    const [row] = await connection.rows(
      'SELECT 5::bigint AS whole, 1.5::numeric AS part, sum(n) FROM generate_series(1, 3) n',
    )
    assert.deepEqual(row, { whole: 5, part: 1.5, sum: 6 })
    const { fault } = await faultOf(connection, 'SELECT 9007199254740993::bigint')
    assert.match(fault.message, /too large/)
    await one(connection)
  })

  it('replaces what a text can not hold', async () => {
    const connection = open()
    const [row] = await connection.rows('SELECT $1::text AS text, $2::text[] AS list', [
      'a\0b\ud800',
      ['\0', '😀'],
    ])
    assert.deepEqual(row, { text: 'a\ufffdb\ufffd', list: ['\ufffd', '😀'] })
    const name = connection.schema
    await connection.rows(
      `CREATE FUNCTION ${name}.same(args jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT args'`,
    )
    const hostile = ['\0', '\\u0000', '\ud800', '😀', '\\ud83d']
    const answer = await connection.call<{ texts: string[] }>('same', { texts: hostile })
    assert.deepEqual(answer.texts, ['\ufffd', '\\u0000', '\ufffd', '😀', '\\ud83d'])
  })

  it('takes the time of the database again when its own has gone wrong, and calls once more', async () => {
    const connection = open()
    await one(connection)
    const right = connection.clock.nowMs()
    const answer = await connection.call('look_1', { now_ms: right + 3_600_000 })
    assert.ok(answer)
    assert.ok(Math.abs(connection.clock.nowMs() - Date.now()) < 1000)
  })
})

describe('a server that is not as the queue needs it', () => {
  let server: PostgresServer
  const { folder, remove } = temporaryFolder()
  const passwordFile = path.join(folder, 'password')
  before(async () => {
    server = await startServer({
      logins: [`host ${DATABASE} keyholder all scram-sha-256`],
    })
    await server.query("CREATE ROLE keyholder LOGIN PASSWORD 'first'")
  })
  after(async () => {
    await server.remove()
    remove()
  })

  const target = (changes: Partial<PostgresTarget> = {}): PostgresTarget => ({
    host: '127.0.0.1',
    port: server.port,
    user: LOGIN,
    database: DATABASE,
    schema: 'ses_bounce',
    connections: 1,
    timeoutMs: 2000,
    ...changes,
  })

  async function ask(changes: Partial<PostgresTarget> = {}, sql = 'SELECT 1 AS one'): Promise<unknown> {
    const connection = openConnection(target(changes), { anySchema: true })
    try {
      return await connection.rows(sql)
    } finally {
      await connection.close()
    }
  }

  for (const [setting, value, code, message] of [
    [
      'fsync',
      'off',
      'QUEUE_NOT_DURABLE',
      /mail: fsync is off: what is answered with 250 could be lost; see docs/,
    ],
    ['full_page_writes', 'off', 'QUEUE_NOT_DURABLE', /mail: full_page_writes is off: what/],
    [
      'default_transaction_isolation',
      'serializable',
      'QUEUE_NOT_DURABLE',
      /default_transaction_isolation is serializable: the queue needs read committed/,
    ],
    [
      'default_transaction_read_only',
      'on',
      'QUEUE_UNREACHABLE',
      /default_transaction_read_only is on: the queue must write; turn it off, or let url lead to the writer/,
    ],
  ] as const) {
    it(`is refused by name: ${setting} = ${value}`, async () => {
      server.set({ [setting]: value })
      server.reload()
      await until(async () => (await server.query(`SHOW ${setting}`))[0]?.[setting] === value, {
        what: setting,
      })
      await assert.rejects(ask(), (error: QueueError) => error.code === code && message.test(error.message))
      server.set({
        ...DURABLE,
        default_transaction_isolation: 'read committed',
        default_transaction_read_only: 'off',
      })
      server.reload()
      await until(
        () =>
          ask().then(
            () => true,
            () => false,
          ),
        { what: `${setting} to be right again` },
      )
    })
  }

  it('is told a password that rotates from its file, at each new connection', async () => {
    const withFile = { user: 'keyholder', password: `file:${passwordFile}` }
    writeFileSync(passwordFile, 'first\n')
    await ask(withFile)
    await server.query("ALTER ROLE keyholder PASSWORD 'second'")
    await assert.rejects(
      ask(withFile),
      /the database refuses the login of "keyholder": the user in url or the password is wrong$/,
    )
    const connection = openConnection(target(withFile), { anySchema: true })
    await assert.rejects(connection.rows('SELECT 1'), QueueError)
    writeFileSync(passwordFile, 'second\n')
    await until(() => connection.rows('SELECT 1').catch(() => undefined), { what: 'the new password' })
    await connection.close()
    rmSync(passwordFile)
    await assert.rejects(ask(withFile), /mail: password can't be read: ENOENT/)
    await assert.rejects(ask({ user: 'keyholder' }), /asks for a password, and none is set/)
    await ask({ user: 'keyholder', password: 'second' })
  })

  it('has not done what was written while an administrator ended the wait for its standby', async () => {
    await server.query('CREATE TABLE proof (n int)', [], DATABASE)
    await server.query(`GRANT ALL ON proof TO ${LOGIN}`, [], DATABASE)
    server.set({ synchronous_standby_names: 'nobody' })
    server.reload()
    await until(
      async () =>
        (await server.query('SHOW synchronous_standby_names'))[0]?.['synchronous_standby_names'] === 'nobody',
      { what: 'a standby to be wanted' },
    )
    const writing = ask({ timeoutMs: 10_000 }, 'INSERT INTO proof VALUES (1) RETURNING n')
    writing.catch(() => undefined)
    await until(
      async () =>
        (
          await server.query(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'",
          )
        ).length > 0,
      { what: 'a commit that waits for its standby' },
    )
    await assert.rejects(writing, /the commit may not be on the standby; taken as not done/)
    server.set({ synchronous_standby_names: '' })
    server.reload()
  })
})

async function one(connection: PostgresConnection): Promise<true> {
  const [row] = await connection.rows('SELECT 1 AS one')
  assert.deepEqual(row, { one: 1 })
  return true
}

async function faultOf(
  connection: PostgresConnection,
  sql = 'SELECT 1',
): Promise<{ fault: QueueError; ms: number }> {
  const startMs = performance.now()
  try {
    await connection.rows(sql)
  } catch (fault) {
    if (fault instanceof QueueError) return { fault, ms: performance.now() - startMs }
    throw fault
  }
  return assert.fail('the call was answered')
}

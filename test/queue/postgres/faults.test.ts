// The queue's reactions and words when PostgreSQL refuses something: real answers of a server of its own.

import assert from 'node:assert/strict'
import { Client } from 'pg'
import { QueueError, type QueueErrorCode } from '../../../src/errors'
import { openConnection, type PostgresConnection } from '../../../src/queue/postgres/connection'
import { prepareSchema } from '../../../src/queue/postgres/prepare'
import type { PostgresTarget } from '../../../src/queue/postgres/target'
import { openCommandConnection } from '../../../src/queue/postgres/view-connection'
import { DATABASE, LOGIN, type PostgresServer, startServer } from '../../postgres/server'

const MOST_CONNECTIONS = 8
const RESERVED = 3
const TIMEOUT_MS = 2000

describe('a database that refuses something', () => {
  let server: PostgresServer
  let target: PostgresTarget
  let connection: PostgresConnection
  before(async () => {
    server = await startServer({
      settings: { max_connections: MOST_CONNECTIONS, superuser_reserved_connections: RESERVED },
    })
  })
  after(() => server.remove())
  beforeEach(async () => {
    target = {
      host: '127.0.0.1',
      port: server.port,
      user: LOGIN,
      database: DATABASE,
      schema: 'ses_bounce',
      connections: 2,
      timeoutMs: TIMEOUT_MS,
    }
    await prepareSchema(target, { migrates: true })
    connection = openConnection(target)
  })
  afterEach(async () => {
    await connection.close()
    await server.query(`ALTER DATABASE ${DATABASE} ALLOW_CONNECTIONS true`)
    await server.query(`ALTER DATABASE ${DATABASE} RESET default_transaction_read_only`)
  })

  const ask = (one = connection) => one.call<{ term: number }>('leader_1', {})

  async function refusal(one = connection): Promise<{ code: QueueErrorCode; message: string }> {
    const fault: unknown = await ask(one).then(
      () => assert.fail('it was answered'),
      (error: unknown) => error,
    )
    assert.ok(fault instanceof QueueError)
    return { code: fault.code, message: fault.message }
  }

  it('has the host go on with the connections that it has when the server has none left', async () => {
    await ask()
    const others = Array.from(
      { length: MOST_CONNECTIONS - RESERVED - 1 },
      () => new Client({ connectionString: server.url() }),
    )
    for (const other of others) await other.connect()
    try {
      const answers = await Promise.all(Array.from({ length: 6 }, () => ask()))
      assert.ok(answers.every(({ term }) => term === 0))
      const without = openConnection(target)
      const { code, message } = await refusal(without)
      await without.close()
      assert.equal(code, 'QUEUE_UNREACHABLE')
      assert.match(message, /no connection is left \(.*\): raise max_connections, or use a pooler$/)
    } finally {
      for (const other of others) await other.end()
    }
  })

  it('is unreachable when it refuses a connection, whatever the reason', async () => {
    await server.query(`ALTER DATABASE ${DATABASE} ALLOW_CONNECTIONS false`)
    const { code, message } = await refusal()
    assert.equal(code, 'QUEUE_UNREACHABLE')
    assert.match(message, /not currently accepting connections/)
  })

  it('says that its transactions are read-only, which another server need not be', async () => {
    await server.query(`ALTER DATABASE ${DATABASE} SET default_transaction_read_only = on`)
    const { message } = await refusal()
    assert.match(message, /default_transaction_read_only is on: the queue must write/)
  })

  it('says what to do when the tables are gone under a running host', async () => {
    await ask()
    await server.query('DROP SCHEMA ses_bounce CASCADE', [], DATABASE)
    const { message } = await refusal()
    assert.match(message, /"ses_bounce" isn't as this program needs it: restore it, or run .* queue migrate$/)
    await prepareSchema(target, { migrates: true })
    assert.equal((await ask()).term, 0)
  })

  it('and answers nothing, makes a command say so soon, however long its questions may take', async () => {
    const command = openCommandConnection({ ...target, timeoutMs: 300 })
    server.freeze()
    const startMs = performance.now()
    const { message } = await refusal(command)
    server.thaw()
    await command.close()
    assert.match(message, /no answer within 300 ms$/)
    assert.ok(performance.now() - startMs < 10_000)
  })
})

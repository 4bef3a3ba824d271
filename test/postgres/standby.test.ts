import assert from 'node:assert/strict'
import { Client } from 'pg'
import { TcpProxy } from './proxy'
import { type PostgresServer, startServer } from './server'
import { promote, startStandby } from './standby'

describe('a standby of the tests', () => {
  const servers: PostgresServer[] = []
  after(async () => {
    for (const server of servers) await server.remove()
  })

  it('has what its primary answered, and takes over while the old primary lives on without it', async () => {
    const primary = await startServer()
    servers.push(primary)
    await primary.query('CREATE TABLE kept (n int)')
    const standby = await startStandby(primary, { name: 'second', isSynchronous: true })
    servers.push(standby)
    await primary.query('INSERT INTO kept VALUES (1)')
    assert.deepEqual(await standby.query('SELECT n FROM kept'), [{ n: 1 }])
    await assert.rejects(standby.query('INSERT INTO kept VALUES (2)'), /read-only/)
    await promote(standby)
    await standby.query('INSERT INTO kept VALUES (3)')
    assert.deepEqual(await standby.query('SELECT n FROM kept ORDER BY n'), [{ n: 1 }, { n: 3 }])
    // its commits wait for a standby that has left
    const old = new Client({
      connectionString: primary.url({ user: 'postgres', database: 'postgres' }),
      query_timeout: 2000,
    })
    old.on('error', () => {})
    await old.connect()
    await assert.rejects(old.query('INSERT INTO kept VALUES (4)'), /timeout/i)
    await old.end()
  })
})

describe('the proxy of the tests', () => {
  let server: PostgresServer
  let proxy: TcpProxy
  let client: Client
  before(async () => {
    server = await startServer()
    proxy = await TcpProxy.start(server.port)
  })
  beforeEach(async () => {
    proxy.heal()
    client = new Client({ connectionString: server.url({ port: proxy.port }), query_timeout: 2000 })
    client.on('error', () => {})
    await client.connect()
  })
  afterEach(() => client.end().catch(() => {}))
  after(async () => {
    await proxy.close()
    await server.remove()
  })

  it('delays what goes through it', async () => {
    proxy.delay(100)
    let leastMs = Number.POSITIVE_INFINITY
    // a busy machine adds to some of them
    for (let n = 0; n < 5; n++) {
      const startMs = performance.now()
      await client.query('SELECT 1')
      leastMs = Math.min(leastMs, performance.now() - startMs)
    }
    assert.ok(leastMs > 190 && leastMs < 450, `${leastMs} ms`)
  })

  it('swallows answers while the database does what it was told', async () => {
    await client.query('CREATE TABLE done (n int)')
    proxy.hole('down')
    await assert.rejects(client.query('INSERT INTO done VALUES (1)'), /timeout/i)
    assert.deepEqual(await server.query('SELECT n FROM done', [], 'mail'), [{ n: 1 }])
  })

  it('cuts connections off, and refuses new ones until it is healed', async () => {
    proxy.cut()
    await assert.rejects(client.query('SELECT 1'))
    const refused = new Client({ connectionString: server.url({ port: proxy.port }) })
    await assert.rejects(refused.connect(), /ECONNRESET|terminated/)
    proxy.heal()
    const welcome = new Client({ connectionString: server.url({ port: proxy.port }) })
    await welcome.connect()
    assert.deepEqual((await welcome.query('SELECT 1 AS one')).rows, [{ one: 1 }])
    await welcome.end()
  })
})

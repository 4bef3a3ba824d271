import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { Client } from 'pg'
import { killIfAlive, processes } from '../live/support/processes'
import { until } from '../live/support/wait'
import { type PostgresServer, startServer } from './server'
import { freshSchema } from './shared'

describe('a PostgreSQL server of the tests', () => {
  let server: PostgresServer
  before(async () => {
    server = await startServer()
  })
  after(() => server.remove())

  it('keeps what was written when it is stopped, killed and started again', async () => {
    await server.query('CREATE TABLE kept (n int)')
    await server.query('INSERT INTO kept VALUES (1)')
    await server.restart()
    await server.query('INSERT INTO kept VALUES (2)')
    await server.kill()
    await assert.rejects(server.query('SELECT 1'), /ECONNREFUSED/)
    await server.start()
    assert.deepEqual(await server.query('SELECT n FROM kept ORDER BY n'), [{ n: 1 }, { n: 2 }])
  })

  it('answers nothing while it is frozen, and goes on afterwards', async () => {
    const client = new Client({ connectionString: server.url(), query_timeout: 300 })
    client.on('error', () => {})
    await client.connect()
    server.freeze()
    await assert.rejects(client.query('SELECT 1'), /timeout/i)
    server.thaw()
    await client.end()
    assert.deepEqual(await server.query('SELECT 1 AS one'), [{ one: 1 }])
  })

  it('runs as an ordinary login that may make schemas in its database', async () => {
    const { url, schema, remove } = await freshSchema()
    const client = new Client({ connectionString: url })
    await client.connect()
    await client.query(`CREATE SCHEMA ${schema}`)
    await client.query(`CREATE TABLE ${schema}.one (n int)`)
    await remove()
    const { rows } = await client.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema])
    assert.deepEqual(rows, [])
    const { rows: login } = await client.query('SELECT rolsuper FROM pg_roles WHERE rolname = current_user')
    assert.deepEqual(login, [{ rolsuper: false }])
    await client.end()
  })

  it('ends with its test process, also when that is killed, and leaves no files', async () => {
    const program = `
      const { startServer } = require(${JSON.stringify(path.join(__dirname, 'server.ts'))})
      startServer().then(server => console.log(server.dataFolder))
      setInterval(() => {}, 1000)
    `
    const child = spawn(process.execPath, ['--require', 'tsx/cjs', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const dataFolder = line.toString().trim()
    const isServer = ({ cmdline }: { cmdline: string }) => cmdline.endsWith(`-D ${dataFolder}`)
    assert.equal(processes().filter(isServer).length, 1)
    killIfAlive(child.pid ?? 0, 'SIGKILL')
    await until(() => !processes().some(isServer) && !existsSync(path.dirname(dataFolder)), {
      what: 'the server and its files to be gone',
    })
  })
})

// TLS to a database: with certificates that lead to `ca` and name the host, or none at all. certificates/ was made once,
// with openssl, for a hundred years; its keys open nothing but these servers.

import assert from 'node:assert/strict'
import { chmodSync, cpSync } from 'node:fs'
import path from 'node:path'
import { QueueError } from '../../../src/errors'
import { openConnection } from '../../../src/queue/postgres/connection'
import { giveTo, serverOwner } from '../../postgres/programs'
import { DATABASE, LOGIN, type PostgresServer, startServer } from '../../postgres/server'
import { sharedPort } from '../../postgres/shared'

const CERTIFICATES = path.join(__dirname, 'certificates')
const pem = (name: string) => path.join(CERTIFICATES, `${name}.pem`)

/** It takes nothing but TLS. Its certificate names localhost and 127.0.0.1. */
function startEncrypted(): Promise<PostgresServer> {
  return startServer({
    settings: {
      ssl: 'on',
      ssl_cert_file: 'server.pem',
      ssl_key_file: 'server.key',
      listen_addresses: '127.0.0.1,127.0.0.2',
    },
    logins: [`hostssl ${DATABASE} ${LOGIN} all trust`, `host ${DATABASE} ${LOGIN} all reject`, ''],
    beforeStart: dataFolder => {
      for (const file of ['server.pem', 'server.key']) {
        const to = path.join(dataFolder, file)
        cpSync(path.join(CERTIFICATES, file), to)
        chmodSync(to, 0o600)
        giveTo(serverOwner(), to)
      }
    },
  })
}

/** `encrypted`, or the error's message. */
async function connect(server: { port: number }, host: string, ca?: string): Promise<string> {
  const connection = openConnection(
    {
      host,
      port: server.port,
      user: LOGIN,
      database: DATABASE,
      schema: 'ses_bounce',
      connections: 1,
      timeoutMs: 5000,
      ...(ca !== undefined && { ca: pem(ca) }),
    },
    { anySchema: true },
  )
  try {
    const [row] = await connection.rows('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()')
    return row?.['ssl'] === true ? 'encrypted' : 'plain'
  } catch (error) {
    assert.ok(error instanceof QueueError, String(error))
    return error.message
  } finally {
    await connection.close()
  }
}

describe('a connection to a database by TLS', () => {
  let server: PostgresServer
  before(async () => {
    server = await startEncrypted()
  })
  after(() => server.remove())

  for (const host of ['localhost', '127.0.0.1'])
    it(`is encrypted where ca has the authority of the certificate, which names the host: ${host}`, async () => {
      assert.equal(await connect(server, host, 'ca'), 'encrypted')
    })

  it('is refused where ca has another authority', async () => {
    assert.match(await connect(server, 'localhost', 'other-ca'), /unable to verify the first certificate/)
  })

  it('is refused where the certificate names other hosts', async () => {
    assert.match(await connect(server, '127.0.0.2', 'ca'), /IP: 127\.0\.0\.2 is not in the cert's list/)
  })

  it('is needed by a server that takes nothing else, which says so', async () => {
    assert.match(
      await connect(server, '127.0.0.1'),
      /refuses the login of "bounces": pg_hba\.conf rejects connection for host .*, no encryption$/,
    )
  })

  it('is refused where the server has no TLS, and says so', async () => {
    const plain = { port: await sharedPort() }
    assert.match(await connect(plain, '127.0.0.1', 'ca'), /does not support SSL connections/)
  })
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'
import { createSes, type Ses } from '../../src/dispatch/ses'
import { LOCAL_CREDENTIALS, startLocalSes } from '../../src/local-ses/server'

const INPUT = {
  OriginalMessageId: '7k822gft4kqtq4dgji1sqdhnqgqnj9bsv76lqoo1',
  BounceSender: 'mailer-daemon@yours.example',
  BouncedRecipientInfoList: [{ Recipient: 'user@yours.example', BounceType: 'DoesNotExist' as const }],
}
const monoMs = () => Number(process.hrtime.bigint()) / 1e6

describe('a call of SES', () => {
  let server: net.Server
  let ses: Ses | undefined
  const sockets = new Set<Socket>()

  afterEach(() => {
    ses?.close()
    for (const socket of sockets) socket.destroy()
    server.close()
  })

  /** A server that does this with each connection; what the call of it comes to. */
  async function outcome(scheme: 'http' | 'https', behave: (socket: Socket) => void): Promise<string> {
    server = net.createServer(socket => {
      sockets.add(socket)
      socket.on('error', () => undefined)
      behave(socket)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const endpoint = `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`
    ses = createSes(() => ({ endpoint, timeoutMs: 200, credentials: LOCAL_CREDENTIALS }), monoMs)
    return (await ses.sendBounce('eu-west-1', INPUT)).outcome.kind
  }

  it('that ends before there is a connection with TLS was not made: it comes again', async () => {
    assert.equal(await outcome('https', socket => socket.resetAndDestroy()), 'temporary')
  })

  it('whose TLS never comes about was not made either', async () => {
    assert.equal(await outcome('https', () => undefined), 'temporary')
  })

  it('that ends with the connection may have been carried out', async () => {
    assert.equal(
      await outcome('http', socket => socket.once('data', () => socket.resetAndDestroy())),
      'unknown',
    )
  })

  it('that is never answered may have been carried out, and ends in time', async () => {
    assert.equal(await outcome('http', () => undefined), 'unknown')
  })

  it('is not cut by settings that change while it is on its way', async () => {
    const slow = await startLocalSes({ latencyMs: 150 })
    server = net.createServer().listen(0)
    try {
      let timeoutMs = 2000
      ses = createSes(() => ({ endpoint: slow.url, timeoutMs, credentials: LOCAL_CREDENTIALS }), monoMs)
      const first = ses.sendBounce('eu-west-1', INPUT)
      await once(slow, 'call')
      timeoutMs = 3000
      const second = ses.sendBounce('us-east-1', INPUT)
      assert.deepEqual([(await first).outcome.kind, (await second).outcome.kind], ['sent', 'sent'])
    } finally {
      await slow.close()
    }
  })
})

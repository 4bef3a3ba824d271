import assert from 'node:assert/strict'
import { once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { createSes, type Ses } from '../../src/dispatch/ses'
import { EMULATOR_CREDENTIALS, startSesEmulator } from '../../src/ses-emulator/server'

const INPUT = {
  OriginalMessageId: '7k822gft4kqtq4dgji1sqdhnqgqnj9bsv76lqoo1',
  BounceSender: 'mailer-daemon@yours.example',
  BouncedRecipientInfoList: [{ Recipient: 'user@yours.example', BounceType: 'DoesNotExist' as const }],
}
/** A thread that says its port, then that a call is there, and answers that. */
const ANSWERING = `
  const { parentPort } = require('node:worker_threads')
  const server = require('node:http').createServer((request, response) => {
    request.resume().on('end', () => {
      parentPort.postMessage('a call')
      setTimeout(() => {
        response.setHeader('Content-Type', 'text/xml')
        response.end('<SendBounceResponse><SendBounceResult><MessageId>b</MessageId></SendBounceResult></SendBounceResponse>')
      }, 50)
    })
  })
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))
`
/** In a shorter one a busy machine might not even connect. */
const TIMEOUT_MS = 1000
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
    ses = createSes(() => ({ endpoint, timeoutMs: TIMEOUT_MS, credentials: EMULATOR_CREDENTIALS }), monoMs)
    return (await ses.sendBounce('eu-west-1', INPUT)).outcome.kind
  }

  it('that ends before there is a connection with TLS was not made, and is retried', async () => {
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

  it('that could not leave in time was not made, and the next one is', async () => {
    const local = await startSesEmulator({ intervalMs: 0 })
    server = net.createServer().listen(0)
    try {
      ses = createSes(
        () => ({ endpoint: local.url, timeoutMs: 60_000, credentials: EMULATOR_CREDENTIALS }),
        monoMs,
      )
      const kinds: string[] = []
      // on a connection of its own, and on one that is kept
      for (const notAfterMonoMs of [0, Number.POSITIVE_INFINITY, 0, Number.POSITIVE_INFINITY])
        kinds.push((await ses.sendBounce('eu-west-1', INPUT, notAfterMonoMs)).outcome.kind)
      assert.deepEqual(kinds, ['temporary', 'sent', 'temporary', 'sent'])
      assert.equal(local.calls.length, 2)
    } finally {
      await local.close()
    }
  })

  it('whose answer came in time was answered, also when the process stood still and reads it late', async () => {
    server = net.createServer().listen(0)
    const answering = new Worker(ANSWERING, { eval: true })
    try {
      const [port] = (await once(answering, 'message')) as [number]
      const endpoint = `http://127.0.0.1:${port}`
      ses = createSes(() => ({ endpoint, timeoutMs: TIMEOUT_MS, credentials: EMULATOR_CREDENTIALS }), monoMs)
      answering.once('message', () => {
        const endMs = monoMs() + 2 * TIMEOUT_MS
        while (monoMs() < endMs);
      })
      assert.equal((await ses.sendBounce('eu-west-1', INPUT)).outcome.kind, 'sent')
    } finally {
      await answering.terminate()
    }
  })

  it('is not cut by settings that change while it is on its way', async () => {
    const slow = await startSesEmulator({ latencyMs: 150 })
    server = net.createServer().listen(0)
    try {
      let timeoutMs = 2000
      ses = createSes(() => ({ endpoint: slow.url, timeoutMs, credentials: EMULATOR_CREDENTIALS }), monoMs)
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

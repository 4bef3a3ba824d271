// Bodies that don't come as they should.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Fault } from '../../src/http/reply'
import { readBody } from '../../src/http/request'

describe('a body', () => {
  /** The part that is read of a body whose first bytes come, and no more. */
  async function read(
    options: Parameters<typeof readBody>[1],
    before?: (message: IncomingMessage) => unknown,
  ) {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const client = httpRequest({ port, method: 'POST', headers: { 'Content-Length': 100 } })
    client.on('error', () => undefined)
    client.write('abc')
    const [message] = (await once(server, 'request')) as [IncomingMessage]
    await before?.(message)
    try {
      return await readBody(message, options)
    } catch (error) {
      return error
    } finally {
      client.destroy()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    }
  }

  it('that stops coming is given up, with an answer', async () => {
    const error = await read({ timeoutMs: 20 })
    assert.ok(error instanceof Fault)
    assert.deepEqual([error.status, error.code], [408, 'REQUEST_TIMEOUT'])
  })

  it('that was read already, or whose peer has left, is not waited for', async () => {
    const error = await read({ timeoutMs: 60_000 }, message => message.destroy())
    assert.ok(error instanceof Fault)
    assert.equal(error.status, 400)
  })

  it('that says it is too large is not read', async () => {
    const error = await read({ limitBytes: 99, timeoutMs: 60_000 })
    assert.ok(error instanceof Fault)
    assert.equal(error.status, 413)
  })
})

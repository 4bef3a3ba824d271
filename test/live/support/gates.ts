// Gates between a program and its servers: each tells a test of the step that the program has reached, before or after
// the server has done it, and the test may hold the program there, and kill it.

import { once } from 'node:events'
import http from 'node:http'
import net, { type AddressInfo, type Socket } from 'node:net'

/**
 * `before DeleteMessage`, `after GetObject`, `after MAIL`, `in DATA`, `after 250`. Resolves when the program may go on; never,
 * when it is to be killed there.
 */
export type AtStep = (step: string) => Promise<void>

export interface Gate {
  port: number
  close(): Promise<void>
}

/** Before SQS and S3. Their requests are named by the operation. */
export async function openHttpGate(upstream: string, atStep: () => AtStep): Promise<Gate> {
  const to = new URL(upstream)
  const server = http.createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('error', () => undefined)
    response.on('error', () => undefined)
    request.on('end', () => {
      pass(Buffer.concat(pieces)).catch(() => response.destroy())
    })

    async function pass(body: Buffer): Promise<void> {
      const { method = '', url = '', headers } = request
      const target = headers['x-amz-target']
      const step =
        typeof target === 'string'
          ? (target.split('.').at(-1) ?? '')
          : method === 'GET'
            ? 'GetObject'
            : method
      await atStep()(`before ${step}`)
      // a long poll of a program that was killed would take the next message
      const gone = new AbortController()
      response.once('close', () => gone.abort())
      const { signal } = gone
      const place = { host: to.hostname, port: to.port }
      const answer = await forwarded({ ...place, method, path: url, headers, signal }, body)
      await atStep()(`after ${step}`)
      response.writeHead(answer.status, answer.headers).end(answer.body)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

interface Answer {
  status: number
  headers: http.IncomingHttpHeaders
  body: Buffer
}

function forwarded(options: http.RequestOptions, body: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request(options, response => {
      const pieces: Buffer[] = []
      response.on('data', (piece: Buffer) => pieces.push(piece))
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces) }),
      )
    })
    request.on('error', reject)
    request.end(body)
  })
}

/** Before an SMTP server. */
export async function openSmtpGate(port: number, atStep: () => AtStep): Promise<Gate> {
  const sockets = new Set<Socket>()
  const server = net.createServer(client => {
    const behind = net.connect(port, '127.0.0.1')
    let isInData = false
    for (const socket of [client, behind]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        behind.destroy()
      })
    }
    relay(client, behind, async text => {
      if (/^MAIL FROM/im.test(text)) await atStep()('before MAIL')
      if (isInData) await atStep()('in DATA')
    })
    relay(behind, client, async text => {
      if (isInData && text.startsWith('250')) await atStep()('after 250')
      // with pipelining it is the last of several replies
      isInData = /^354 /m.test(text)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Each piece waits for the one before it. */
function relay(from: Socket, to: Socket, before: (text: string) => Promise<void>): void {
  let last: Promise<void> = Promise.resolve()
  from.on('data', (piece: Buffer) => {
    last = last
      .then(() => before(piece.toString('latin1')))
      .then(() => {
        if (!to.destroyed) to.write(piece)
      })
      .catch(() => void to.destroy())
  })
}

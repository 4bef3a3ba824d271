// Asks a server in a process of its own whatever it is given, many at once, and measures what the server is left with.
// A request without an answer, or a connection that isn't closed, within the time limit is an error: a hang.

import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import { connect, type Socket } from 'node:net'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { PATIENCE_MS } from '../live/support/wait'
import type { Asked, Raw } from './fuzz-requests'
import type { Held } from './fuzz-server'

export interface FuzzAnswer {
  status: number
  type: string
  text: string
}

export class FuzzedServer {
  readonly #server: ChildProcess
  readonly #port: number
  readonly #path: string

  private constructor(server: ChildProcess, url: string) {
    this.#server = server
    this.#port = Number(new URL(url).port)
    this.#path = new URL(url).pathname
  }

  static async begin(): Promise<FuzzedServer> {
    const server = fork(path.join(__dirname, 'fuzz-server.ts'), {
      execArgv: ['--require', 'tsx/cjs', '--expose-gc'],
    })
    const [{ url }] = (await once(server, 'message')) as [{ url: string }]
    return new FuzzedServer(server, url)
  }

  async held(): Promise<Held> {
    const answer = once(this.#server, 'message') as Promise<[Held]>
    this.#server.send('held')
    return (await answer)[0]
  }

  async end(): Promise<void> {
    const end = once(this.#server, 'exit')
    this.#server.disconnect()
    assert.deepEqual(await end, [0, null])
  }

  /** On a connection of its own. */
  ask({ method, path: where, headers, body }: Asked): Promise<FuzzAnswer> {
    return inTime(
      `${method} ${where}`,
      new Promise((resolve, reject) => {
        const options = { port: this.#port, path: this.#path + where, method, headers, agent: false }
        http
          .request(options, response => {
            const { statusCode: status = 0, headers: given } = response
            const type = given['content-type'] ?? ''
            text(response).then(all => resolve({ status, type, text: all }), reject)
          })
          .once('error', reject)
          .end(body)
      }),
    )
  }

  /** A client that says so much, and nothing more; what it is told until its connection is closed. */
  async stall(bytes: string): Promise<string> {
    const socket = connect(this.#port, '127.0.0.1')
    socket.write(bytes)
    return text(socket)
  }

  send(one: Raw): Promise<number[]> {
    return sendRaw(this.#port, one)
  }
}

/** The statuses of the answers that were read. */
export async function sendRaw(port: number, { bytes, client }: Raw): Promise<number[]> {
  const socket = connect(port, '127.0.0.1')
  // a server that closes while it is still written to is its right
  socket.on('error', () => undefined)
  const closed = once(socket, 'close').catch(() => undefined)
  await once(socket, 'connect').catch(() => undefined)
  if (client === 'waits')
    return inTime(JSON.stringify(bytes.toString('latin1', 0, 300)), whole(socket, bytes, closed))
  socket.pause().write(bytes)
  if (client === 'never reads') await pause(50)
  socket.resetAndDestroy()
  await closed
  return []
}

async function whole(socket: Socket, bytes: Buffer, closed: Promise<unknown>): Promise<number[]> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => void chunks.push(chunk))
  socket.end(bytes)
  await closed
  const answers = Buffer.concat(chunks).toString('latin1')
  return [...answers.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status))
}

async function inTime<T>(what: string, work: Promise<T>): Promise<T> {
  const stop = new AbortController()
  const late = pause(PATIENCE_MS, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`no answer within ${PATIENCE_MS} ms to ${what}`)
  })
  late.catch(() => undefined)
  try {
    return await Promise.race([work, late])
  } finally {
    stop.abort()
  }
}

// A TCP proxy between a process and its database: slow, cut off, or a hole that swallows what comes, in each direction.

import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** up: to the server; down: from it. */
export type Direction = 'up' | 'down'

/** `link`: the number of the connection. */
export type Listener = (data: Buffer, direction: Direction, link: number) => void | Promise<void>

interface Link {
  client: Socket
  server: Socket
}

export class TcpProxy {
  /** Where clients connect, on 127.0.0.1. */
  readonly port: number
  #target: number
  readonly #listener: Server
  readonly #localAddress: string
  readonly #links = new Set<Link>()
  #number = 0
  readonly #delayMs: Record<Direction, number> = { up: 0, down: 0 }
  readonly #isHole: Record<Direction, boolean> = { up: false, down: false }
  #refuses = false
  #onData: Listener | undefined

  private constructor(listener: Server, port: number, target: number, localAddress: string) {
    this.#localAddress = localAddress
    this.#listener = listener
    this.port = port
    this.#target = target
    listener.on('connection', client => this.#link(client))
  }

  /** `localAddress`: where its connections to the server come from. */
  static async start(target: number, { localAddress = '127.0.0.1' } = {}): Promise<TcpProxy> {
    const listener = createServer()
    listener.listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const address = listener.address()
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
    return new TcpProxy(listener, address.port, target, localAddress)
  }

  #link(client: Socket): void {
    client.on('error', () => {})
    if (this.#refuses) return void client.resetAndDestroy()
    const server = connect({ port: this.#target, host: '127.0.0.1', localAddress: this.#localAddress })
    const link = { client, server }
    this.#links.add(link)
    const number = ++this.#number
    this.#pass(number, 'up', client, server)
    this.#pass(number, 'down', server, client)
    for (const socket of [client, server]) {
      socket.on('error', () => {})
      socket.setNoDelay(true)
      socket.once('close', () => {
        // what is delayed comes first, and the end of a connection goes into the hole, too
        const direction = socket === client ? 'up' : 'down'
        if (this.#isHole[direction]) return
        void pause(this.#delayMs[direction]).then(() => {
          this.#links.delete(link)
          client.destroy()
          server.destroy()
        })
      })
    }
  }

  #pass(link: number, direction: Direction, from: Socket, to: Socket): void {
    let before = Promise.resolve()
    from.on('data', data => {
      const dueMs = performance.now() + this.#delayMs[direction]
      // in order, also when a listener takes its time
      before = before.then(async () => {
        await this.#onData?.(data, direction, link)
        const leftMs = dueMs - performance.now()
        if (leftMs > 0) await pause(leftMs)
        if (!this.#isHole[direction] && to.writable) to.write(data)
      })
    })
  }

  /** Each piece of data waits for the listener before it goes on. Undefined: nobody listens. */
  listen(listener: Listener | undefined): void {
    this.#onData = listener
  }

  /** Another server from the next connection on. */
  retarget(port: number): void {
    this.#target = port
  }

  /** For each piece of data, in a direction or in both. */
  delay(ms: number, direction?: Direction): void {
    for (const one of both(direction)) this.#delayMs[one] = ms
  }

  /** Bytes that come are swallowed, and nobody is told. New connections open, and hear nothing. */
  hole(direction?: Direction): void {
    for (const one of both(direction)) this.#isHole[one] = true
  }

  /** Ends all connections now, and, until `heal`, each new one. */
  cut(): void {
    this.#refuses = true
    this.drop()
  }

  /** Ends all connections now; new ones work. */
  drop(): void {
    for (const { client, server } of this.#links) {
      client.resetAndDestroy()
      server.resetAndDestroy()
    }
  }

  /** Works as at first. Connections whose data were swallowed can't go on, so they end. */
  heal(): void {
    const swallowed = this.#isHole.up || this.#isHole.down
    Object.assign(this.#isHole, { up: false, down: false })
    this.delay(0)
    this.#refuses = false
    if (swallowed) this.drop()
  }

  async close(): Promise<void> {
    this.drop()
    this.#listener.close()
    await once(this.#listener, 'close')
  }
}

function both(direction: Direction | undefined): Direction[] {
  return direction === undefined ? ['up', 'down'] : [direction]
}

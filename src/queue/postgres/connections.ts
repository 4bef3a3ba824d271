// The connections of a process that live and are dropped together: pg's pool, with an end for every wait, and the way to
// the server. Only this file and connection.ts know pg (node-postgres).

import { readFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { type ClientBase, Pool, type PoolClient, type PoolConfig } from 'pg'
import { errorMessage } from '../../errors'
import type { MonoMs } from '../../units'
import { connectTimeoutOf, isNoneLeft, TIMED_OUT, TIMED_OUT_CONNECTING, unreachable } from './faults'
import { passwordOf } from './password'
import { isLoopback, type PostgresTarget } from './target'
import { getTypeParser } from './values'

/** AWS's load balancers and NAT forget a silent connection after 350 s. */
const KEEP_ALIVE_MS = 60_000
const IDLE_MS = 60_000
/** A server that has no connection left isn't asked for one more so long, if there is one to go on with. */
const NARROW_MS = 10_000

/**
 * PostgreSQL, SyncRepWaitForLSN: a commit whose wait for the standby was ended by an administrator, or a shutdown,
 * comes as a success with a WARNING of this state.
 */
const WARNING = '01000'

export class Connections {
  /** The time of the database's last answer. */
  answeredMs: MonoMs = Number.NEGATIVE_INFINITY
  readonly #target: PostgresTarget
  readonly #pool: Pool
  /** The connections that were checked. */
  readonly #open = new Set<ClientBase>()
  readonly #sockets = new Set<Socket>()
  readonly #warned = new WeakSet<ClientBase>()
  /** Ends the wait of the calls that have no connection yet. */
  readonly #waiting = new Set<(error: unknown) => void>()

  /** `check`: each new connection goes through it before it is used. @throws QueueError if `ca` can't be read */
  constructor(target: PostgresTarget, check: (client: ClientBase) => Promise<void>) {
    this.#target = target
    this.#pool = new Pool(poolConfig(target, check, this.#sockets))
    // without listeners a lost connection would end the process
    this.#pool.on('error', () => undefined)
    this.#pool.on('remove', client => this.#open.delete(client))
    this.#pool.on('connect', client => {
      this.#open.add(client)
      client.on('error', () => undefined)
      client.on('notice', notice => {
        if (notice.code === WARNING) this.#warned.add(client)
      })
    })
  }

  /** A connection, within the time. Waits in line if all are in use. */
  take(timeoutMs: number): Promise<PoolClient> {
    return new Promise((resolve, reject) => {
      const fail = (error: unknown) => {
        clearTimeout(timer)
        this.#waiting.delete(fail)
        reject(error)
      }
      const timer = setTimeout(() => fail(new Error(TIMED_OUT)), timeoutMs)
      this.#waiting.add(fail)
      const take = () =>
        this.#pool.connect((error, client) => {
          // without a client there is nothing to give back
          if (!this.#waiting.has(fail)) client?.release(true)
          else if (error !== undefined && isNoneLeft(error) && this.#narrow()) take()
          else if (error !== undefined || client === undefined) fail(error)
          else {
            clearTimeout(timer)
            this.#waiting.delete(fail)
            resolve(client)
          }
        })
      take()
    })
  }

  /** Goes on with the connections that are open. False: there is none. */
  #narrow(): boolean {
    if (this.#open.size === 0) return false
    this.#pool.options.max = this.#open.size
    setTimeout(() => {
      this.#pool.options.max = this.#target.connections
    }, NARROW_MS).unref()
    return true
  }

  /** A warning came with its answer. From then on it counts for the next one. */
  hasWarned(client: ClientBase): boolean {
    return this.#warned.delete(client)
  }

  /** The ports on this host. */
  localPorts(): number[] {
    return [...this.#sockets].flatMap(({ localPort }) => localPort ?? [])
  }

  /** Closes at once: calls that wait for a connection or an answer end with the fault. */
  drop(fault: Error): void {
    for (const fail of this.#waiting) fail(fault)
    this.#destroy()
    this.#pool.end().catch(() => undefined)
  }

  /**
   * In order. A database that answers nothing doesn't say goodbye, either. Idle connections don't keep the process alive,
   * but this does.
   */
  async end(timeoutMs: number): Promise<void> {
    const timer = setTimeout(() => this.#destroy(), timeoutMs)
    await this.#pool.end()
    clearTimeout(timer)
  }

  #destroy(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}

function poolConfig(
  target: PostgresTarget,
  check: (client: ClientBase) => Promise<void>,
  sockets: Set<Socket>,
): PoolConfig {
  const { host, port, user, database, connections, timeoutMs } = target
  // the pool waits for the promise that it returns
  const onConnect: (client: ClientBase) => unknown = check
  return {
    host,
    port,
    user,
    database,
    // asked for each new connection; pg takes undefined for none
    password: (() => passwordOf(target)) as () => Promise<string>,
    ssl: tlsOf(target),
    application_name: 'ses-bounce',
    client_encoding: 'UTF8',
    max: connections,
    idleTimeoutMillis: IDLE_MS,
    allowExitOnIdle: true,
    connectionTimeoutMillis: timeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    types: { getTypeParser },
    stream: () => {
      const socket = new Socket()
      sockets.add(socket)
      // a server that says nothing at all is known sooner than one whose answer takes its time
      const silent = setTimeout(
        () => socket.destroy(new Error(TIMED_OUT_CONNECTING)),
        connectTimeoutOf(target),
      )
      socket.once('data', () => clearTimeout(silent))
      socket.once('close', () => {
        clearTimeout(silent)
        sockets.delete(socket)
      })
      return socket
    },
    onConnect,
  }
}

/** Always verified, name and all. To loopback only where `ca` is set. */
function tlsOf(target: PostgresTarget): false | { ca?: string } {
  const { ca } = target
  if (ca === undefined) return isLoopback(target) ? false : {}
  try {
    return { ca: readFileSync(ca, 'utf8') }
  } catch (error) {
    throw unreachable(target, `ca can't be read: ${errorMessage(error)}`, error)
  }
}

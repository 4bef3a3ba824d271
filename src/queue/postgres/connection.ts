// A process's connections to the database, with a limit for every wait. Only this file knows pg (node-postgres).
//
// Each call is one statement, which is one transaction: nothing of a session is used, so that a pooler in transaction mode
// will do, and a host that freezes holds no lock. After a fault all connections are dropped, and calls fail at once for a
// while; then one call tries again, and the others with it once it has succeeded. Every write can be repeated, as
// its answer may be lost.

import { readFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { type ClientBase, Pool, type PoolClient, type PoolConfig, type QueryResult, types } from 'pg'
import { QueueError } from '../../errors'
import type { MonoMs } from '../../units'
import type { QueueClock } from '../store'
import { checkSchema, checkServer } from './checks'
import { EngineClock } from './clock'
import { faultOf, isFault, noAnswer, OWN_STATES, unreachable } from './faults'
import { passwordOf } from './password'
import { isLoopback, type PostgresTarget, placeOf, quoted } from './target'

export type Value = string | number | boolean | null | readonly string[] | readonly number[]
export type Row = Record<string, unknown>

export interface PostgresConnection {
  readonly target: PostgresTarget
  /** The schema's name, quoted: there is no search_path. */
  readonly schema: string
  readonly clock: EngineClock
  /** The same for the queue's callers. */
  readonly queueClock: QueueClock
  /**
   * The result of a function of the schema that takes and returns jsonb. It raises SB009 if `now_ms` is far from
   * the database's time; then it is called once more with the right one.
   */
  call<T>(name: string, args: Record<string, unknown>): Promise<T>
  /** For reading. `sql`: one statement. */
  rows(sql: string, values?: readonly Value[]): Promise<Row[]>
  /** Several statements, sent as one message: one transaction. */
  script(sql: string, timeoutMs: number): Promise<void>
  /** Of this host, of the connections that are open. */
  localPorts(): number[]
  close(): Promise<void>
}

export interface ConnectionOptions {
  /** Only `prepare` works with a schema that isn't there, or is older. */
  anySchema?: true
  /** How far the caller's time may be from the database's. Infinity: as far as a test likes. */
  mostSkewMs?: number
}

/** After a fault nothing is asked for so long: mails that come in the meantime are told 450 at once. */
const REST_MS = 500
/** Of a machine that was suspended; clocks that are kept differ by less. */
const MOST_SKEW_MS = 2000
/** AWS's load balancers and NAT forget a silent connection after 350 s. */
const KEEP_ALIVE_MS = 60_000
const IDLE_MS = 60_000
/** PostgreSQL, pg_type: int8, numeric. */
const [INT8, NUMERIC] = [20, 1700]

export function openConnection(target: PostgresTarget, options: ConnectionOptions = {}): PostgresConnection {
  return new Connection(target, options)
}

/** Connections that live and are dropped together. */
interface Generation {
  pool: Pool
  sockets: Set<Socket>
  /** Ends the wait of the calls that have no connection yet. */
  waiting: Set<(error: unknown) => void>
}

class Connection implements PostgresConnection {
  readonly target: PostgresTarget
  readonly schema: string
  readonly clock = new EngineClock()
  readonly queueClock: QueueClock
  readonly #options: ConnectionOptions
  readonly #warned = new WeakSet<ClientBase>()
  #generation: Generation | undefined
  #restsUntilMs: MonoMs = Number.NEGATIVE_INFINITY
  /** After a rest: one call tries whether the database is back. */
  #state: 'works' | 'rests' | 'tries' | 'closed' = 'works'
  #lastFault: QueueError | undefined

  constructor(target: PostgresTarget, options: ConnectionOptions) {
    this.target = target
    this.schema = quoted(target.schema)
    this.#options = options
    const { clock } = this
    this.queueClock = {
      nowMs: () => clock.nowMs(),
      get isKnown() {
        return clock.isKnown
      },
      learn: async () => {
        if (!clock.isKnown) await this.rows(`SELECT ${DATABASE_MS}`)
        return clock.nowMs()
      },
    }
  }

  async call<T>(name: string, args: Record<string, unknown>): Promise<T> {
    const { mostSkewMs = MOST_SKEW_MS } = this.#options
    const sql = `SELECT ${this.schema}.${quoted(name)}($1::jsonb) AS answer, ${DATABASE_MS}`
    const ask = async (changed: Record<string, unknown>) => {
      const text = jsonOf({ ...changed, most_skew_ms: Number.isFinite(mostSkewMs) ? mostSkewMs : null })
      const { rows } = await this.#run(opOf(name), { text: sql, values: [text] })
      return (rows[0] as Row)['answer'] as T
    }
    try {
      return await ask(args)
    } catch (error) {
      if (!isFault(error, OWN_STATES.clock)) throw error
      this.clock.forget()
      await this.rows(`SELECT ${DATABASE_MS}`)
      return await ask({ ...args, now_ms: this.clock.nowMs() })
    }
  }

  async rows(sql: string, values: readonly Value[] = []): Promise<Row[]> {
    const { rows } = await this.#run('read', { text: sql, values: values.map(clean) })
    return rows as Row[]
  }

  async script(sql: string, timeoutMs: number): Promise<void> {
    await this.#run('script', { text: sql }, timeoutMs)
  }

  localPorts(): number[] {
    return [...(this.#generation?.sockets ?? [])].flatMap(({ localPort }) => localPort ?? [])
  }

  async close(): Promise<void> {
    this.#state = 'closed'
    const { pool } = this.#generation ?? {}
    this.#generation = undefined
    // idle connections don't keep the process alive, and it would end before this does
    const awake = setInterval(() => undefined, this.target.timeoutMs)
    try {
      await pool?.end()
    } finally {
      clearInterval(awake)
    }
  }

  async #run(
    op: string,
    query: { text: string; values?: unknown[] },
    timeoutMs = this.target.timeoutMs,
  ): Promise<QueryResult> {
    this.#mayAsk()
    const generation = (this.#generation ??= this.#newGeneration())
    const sentMs = this.clock.monoMs()
    let client: PoolClient | undefined
    try {
      client = await this.#client(generation, timeoutMs)
      const leftMs = Math.max(1, timeoutMs - (this.clock.monoMs() - sentMs))
      const result = await this.#query(client, query, leftMs)
      client.release()
      if (this.#state === 'tries') this.#state = 'works'
      this.target.observer?.answered(op, this.clock.monoMs() - sentMs)
      return result
    } catch (error) {
      const { error: fault, drops } = faultOf(error, this.target)
      client?.release(drops)
      if (!isFault(fault, OWN_STATES.clock)) this.target.observer?.failed(fault.code)
      if (drops) this.#drop(generation, fault)
      else if (this.#state === 'tries') this.#state = 'works'
      throw fault
    }
  }

  async #query(
    client: ClientBase,
    query: { text: string; values?: unknown[] },
    timeoutMs: number,
  ): Promise<QueryResult> {
    const sentMs = this.clock.monoMs()
    this.#warned.delete(client)
    const limited = { ...query, query_timeout: Math.ceil(timeoutMs) }
    // of several statements pg gives a list
    const result: QueryResult | QueryResult[] = await client.query(limited)
    if (this.#warned.has(client))
      throw unreachable(this.target, 'the commit may not be on the standby; taken as not done')
    const last = Array.isArray(result) ? (result.at(-1) as QueryResult) : result
    const serverMs: unknown = (last.rows[0] as Row | undefined)?.['database_ms']
    if (typeof serverMs === 'number') this.clock.answered(sentMs, serverMs)
    return last
  }

  /** @throws QueueError at once while the database rests after a fault, and while one call tries it */
  #mayAsk(): void {
    if (this.#state === 'closed')
      throw new QueueError('QUEUE_OTHER', `${placeOf(this.target)}: it was closed`)
    if (this.#state === 'works') return
    if (this.#state === 'rests' && this.clock.monoMs() >= this.#restsUntilMs) {
      this.#state = 'tries'
      return
    }
    throw this.#lastFault ?? unreachable(this.target, noAnswer(this.target))
  }

  #drop(generation: Generation, fault: QueueError): void {
    if (this.#generation !== generation) return
    this.#generation = undefined
    this.#state = 'rests'
    this.#restsUntilMs = this.clock.monoMs() + REST_MS
    this.#lastFault = fault
    for (const reject of generation.waiting) reject(fault)
    for (const socket of generation.sockets) socket.destroy()
    generation.pool.end().catch(() => undefined)
  }

  /** A connection of the pool, within the time. Waits in line if all are in use. */
  #client({ pool, waiting }: Generation, timeoutMs: number): Promise<PoolClient> {
    return new Promise((resolve, reject) => {
      const fail = (error: unknown) => {
        clearTimeout(timer)
        waiting.delete(fail)
        reject(error)
      }
      const timer = setTimeout(() => fail(unreachable(this.target, noAnswer(this.target))), timeoutMs)
      waiting.add(fail)
      pool.connect((error, client) => {
        // without a client there is nothing to give back
        if (!waiting.has(fail)) client?.release(true)
        else if (error !== undefined || client === undefined) fail(error)
        else {
          clearTimeout(timer)
          waiting.delete(fail)
          resolve(client)
        }
      })
    })
  }

  #newGeneration(): Generation {
    const sockets = new Set<Socket>()
    const pool = new Pool(this.#poolConfig(sockets))
    // without listeners a lost connection would end the process
    pool.on('error', () => undefined)
    pool.on('connect', client => {
      client.on('error', () => undefined)
      client.on('notice', notice => {
        if (notice.code === WARNING) this.#warned.add(client)
      })
    })
    return { pool, sockets, waiting: new Set() }
  }

  #poolConfig(sockets: Set<Socket>): PoolConfig {
    const { host, port, user, database, ca, connections, timeoutMs } = this.target
    // the pool waits for what it returns
    const check: (client: ClientBase) => unknown = client => this.#check(client)
    const verified = { ...(ca !== undefined && { ca: readFileSync(ca, 'utf8') }) }
    return {
      host,
      port,
      user,
      database,
      // asked for each new connection; pg takes undefined for none
      password: (() => passwordOf(this.target)) as () => Promise<string>,
      ssl: ca === undefined && isLoopback(this.target) ? false : verified,
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
        socket.once('close', () => sockets.delete(socket))
        return socket
      },
      onConnect: check,
    }
  }

  async #check(client: ClientBase): Promise<void> {
    const ask = async (text: string) =>
      (await this.#query(client, { text }, this.target.timeoutMs)).rows as Row[]
    await checkServer(this.target, ask)
    if (!this.#options.anySchema) await checkSchema(this.target, ask)
  }
}

/** `add_bounces` of `add_bounces_3`. */
function opOf(name: string): string {
  return name.replace(/_\d+$/, '')
}

/** Beside an answer: the database's time while it was made. */
export const DATABASE_MS = '(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS database_ms'

/**
 * PostgreSQL, SyncRepWaitForLSN: a commit whose wait for the standby was ended by an administrator, or a shutdown,
 * comes as a success with a WARNING of this state.
 */
const WARNING = '01000'

/** pg gives int8 and numeric as text, as they may be too large; the queue's own numbers aren't. */
function getTypeParser(oid: number, format?: 'text' | 'binary'): (text: string) => unknown {
  if (oid === INT8 || oid === NUMERIC) return safeNumber
  return ofPg(oid, format)
}

const ofPg = types.getTypeParser as (oid: number, format?: string) => (text: string) => unknown

function safeNumber(text: string): number {
  const number = Number(text)
  if (Math.abs(number) <= Number.MAX_SAFE_INTEGER) return number
  throw new RangeError(`the database holds a number that is too large: ${text}`)
}

/** PostgreSQL has no NUL in text, and no half of a surrogate pair. */
function clean(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(/[\0\p{Surrogate}]/gu, '\uFFFD')
  return Array.isArray(value) ? value.map(clean) : value
}

function jsonOf(args: Record<string, unknown>): string {
  const text = JSON.stringify(args)
  return UNFIT.test(text) ? JSON.stringify(args, (_, value: unknown) => clean(value)) : text
}

const UNFIT = /\\u(?:0000|d[89a-f])/i

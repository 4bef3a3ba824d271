// A process's connections to the database, with a limit for every wait.
//
// Each call is one statement, which is one transaction: nothing of a session is used, so that a pooler in transaction mode
// will do, and a host that freezes holds no lock. After a fault all connections are dropped, and calls fail at once for a
// while; then one call tries again, and the others with it once it has succeeded. Every write can be repeated, as
// its answer may be lost.

import type { ClientBase, PoolClient, QueryResult } from 'pg'
import { QueueError } from '../../errors'
import type { MonoMs } from '../../units'
import type { QueueClock } from '../store'
import { checkSchema, checkServer } from './checks'
import { EngineClock } from './clock'
import { Connections } from './connections'
import {
  connectTimeoutOf,
  faultOf,
  isFault,
  isTimeout,
  noAnswer,
  OWN_STATES,
  stateOf,
  unreachable,
} from './faults'
import { type PostgresTarget, placeOf, quoted } from './target'
import { clean, jsonOf } from './values'

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
  /** The ports on this host of the connections that are open. */
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
/** More skew is that of a machine that was suspended; clocks that are kept differ by less. */
const MOST_SKEW_MS = 2000

export function openConnection(target: PostgresTarget, options: ConnectionOptions = {}): PostgresConnection {
  return new Connection(target, options)
}

interface Query {
  text: string
  values?: unknown[]
}

class Connection implements PostgresConnection {
  readonly target: PostgresTarget
  readonly schema: string
  readonly clock = new EngineClock()
  readonly queueClock: QueueClock
  readonly #options: ConnectionOptions
  #connections: Connections | undefined
  /** After a rest one call tries whether the database is back. */
  #state: 'works' | 'rests' | 'tries' | 'closed' = 'works'
  #restsUntilMs: MonoMs = Number.NEGATIVE_INFINITY
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
    return this.#connections?.localPorts() ?? []
  }

  async close(): Promise<void> {
    this.#state = 'closed'
    const connections = this.#connections
    this.#connections = undefined
    await connections?.end(this.target.timeoutMs)
  }

  async #run(op: string, query: Query, timeoutMs = this.target.timeoutMs): Promise<QueryResult> {
    this.#mayAsk()
    const sentMs = this.clock.monoMs()
    const connections = (this.#connections ??= this.#connect())
    let client: PoolClient | undefined
    try {
      client = await connections.take(timeoutMs)
      const leftMs = Math.max(1, timeoutMs - (this.clock.monoMs() - sentMs))
      const result = await this.#query(connections, client, query, leftMs)
      client.release()
      this.#answers()
      this.target.observer?.answered(op, this.clock.monoMs() - sentMs)
      return result
    } catch (error) {
      const isAnswer = stateOf(error) !== undefined
      if (isAnswer) connections.answeredMs = this.clock.monoMs()
      // the next statements on a connection that is silent would wait behind it
      client?.release(!isAnswer)
      const { error: fault, drops } = faultOf(error, this.target)
      if (!isFault(fault, OWN_STATES.clock)) this.target.observer?.failed(fault.code)
      const isSlow = isTimeout(error) && connections.answeredMs >= sentMs
      if (drops && !isSlow) this.#drop(connections, fault)
      else this.#answers()
      throw fault
    }
  }

  async #query(
    connections: Connections,
    client: ClientBase,
    query: Query,
    timeoutMs: number,
  ): Promise<QueryResult> {
    const sentMs = this.clock.monoMs()
    connections.hasWarned(client)
    const limited = { ...query, query_timeout: Math.ceil(timeoutMs) }
    // of several statements pg gives a list
    const result: QueryResult | QueryResult[] = await client.query(limited)
    connections.answeredMs = this.clock.monoMs()
    if (connections.hasWarned(client))
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

  #answers(): void {
    if (this.#state === 'tries') this.#state = 'works'
  }

  #drop(connections: Connections, fault: QueueError): void {
    connections.drop(fault)
    if (this.#connections !== connections) return
    this.#connections = undefined
    this.#state = 'rests'
    this.#restsUntilMs = this.clock.monoMs() + REST_MS
    this.#lastFault = fault
  }

  #connect(): Connections {
    const connections: Connections = new Connections(this.target, async client => {
      const ask = async (text: string) =>
        (await this.#query(connections, client, { text }, connectTimeoutOf(this.target))).rows as Row[]
      await checkServer(this.target, ask)
      if (!this.#options.anySchema) await checkSchema(this.target, ask)
    })
    return connections
  }
}

/** `add_bounces` of `add_bounces_3`. */
function opOf(name: string): string {
  return name.replace(/_\d+$/, '')
}

/** Beside an answer: the database's time while it was made. */
export const DATABASE_MS = '(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS database_ms'

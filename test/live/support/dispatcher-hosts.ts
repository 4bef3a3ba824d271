// Dispatchers of several hosts, without a Haraka, on one PostgreSQL: real processes, each with a way of its own to the
// database, which can be slow, cut off or a hole, and with a clock of its own.

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { openConnection, type PostgresConnection } from '../../../src/queue/postgres/connection'
import { prepareSchema } from '../../../src/queue/postgres/prepare'
import type { PostgresTarget } from '../../../src/queue/postgres/target'
import { TcpProxy } from '../../postgres/proxy'
import { type PostgresServer, startServer } from '../../postgres/server'
import { insertJobs } from '../../queue/postgres/support'
import { request } from '../../queue/support'
import { type ChaosSes, type SeenCall, startChaosSes } from './chaos-ses'
import { atEnd } from './cleanup'
import { FalseTime } from './false-time'
import { emulatorEnv } from './haraka'
import { newSesId } from './mail'
import { builtFile } from './package-folder'
import { killIfAlive } from './processes'
import { until } from './wait'

export const REGION = 'eu-west-1'
const SCHEMA = 'ses_bounce'
const HOST_SHIM = path.join(__dirname, 'host-shim.js')
/** The value of `[queue] timeout`. */
export const TIMEOUT_MS = 1000

type Dispatch = ChildProcessByStdio<null, Readable, null>

export interface HostsOptions {
  intervalMs: number
  /** SES answers so much later. */
  latencyMs?: number
  /** More lines of the ini file. */
  ini?: string
}

export interface JobRecord {
  id: string
  sesId: string
  state: string
  callBegun: boolean
  /** Its history, oldest first. */
  events: string[]
}

/** A dispatcher's host. */
export class DispatcherHost {
  readonly name: string
  readonly proxy: TcpProxy
  readonly lines: string[] = []
  readonly exited: Promise<unknown[]>
  readonly #child: Dispatch
  readonly #forget: () => void

  constructor(name: string, proxy: TcpProxy, child: Dispatch) {
    this.name = name
    this.proxy = proxy
    this.#child = child
    this.#forget = atEnd(() => this.kill('SIGKILL'))
    this.exited = once(child, 'exit')
    createInterface(child.stdout).on('line', line => {
      const { level, message } = JSON.parse(line) as { level: string; message: string }
      this.lines.push(`${level} ${message}`)
    })
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#child.pid !== undefined && this.isRunning) killIfAlive(this.#child.pid, signal)
  }

  /** From the line with that index on. */
  said(what: RegExp, since = 0): Promise<string> {
    return until(() => this.lines.slice(since).find(line => what.test(line)), {
      what: `${this.name} to say ${what}; it said\n${this.lines.join('\n')}`,
    })
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.kill('SIGCONT')
    this.kill(signal)
    await this.exited
    await this.proxy.close()
    this.#forget()
  }
}

export class DispatcherHosts {
  readonly server: PostgresServer
  readonly ses: ChaosSes
  readonly #options: HostsOptions
  readonly #connection: PostgresConnection
  readonly #folder = mkdtempSync(path.join(os.tmpdir(), 'hosts-'))
  readonly #clocks = new Map<string, FalseTime>()
  readonly #hosts = new Set<DispatcherHost>()

  private constructor(server: PostgresServer, ses: ChaosSes, options: HostsOptions) {
    this.server = server
    this.ses = ses
    this.#options = options
    this.#connection = openConnection(targetAt(server.port))
  }

  static async begin(options: HostsOptions): Promise<DispatcherHosts> {
    const server = await startServer()
    await prepareSchema(targetAt(server.port), { migrates: true })
    // it may read a call late: what came too soon is found by the calls' times
    const { intervalMs, latencyMs = 0 } = options
    const ses = await startChaosSes({ intervalMs: intervalMs / 2, latencyMs, faults: [] })
    return new DispatcherHosts(server, ses, options)
  }

  async end(): Promise<void> {
    await Promise.all([...this.#hosts].map(host => host.end('SIGKILL')))
    await this.#connection.close()
    await this.ses.close()
    await this.server.remove()
    for (const clock of this.#clocks.values()) clock.remove()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** `clockMs`: how far its clock is ahead of the database's. */
  async start(name: string, { clockMs = 0 } = {}): Promise<DispatcherHost> {
    const proxy = await TcpProxy.start(this.server.port)
    const dir = path.join(this.#folder, name)
    mkdirSync(path.join(dir, 'config'), { recursive: true })
    const { intervalMs, ini = '' } = this.#options
    const { user, host: address, database, schema, timeoutMs } = targetAt(proxy.port)
    writeFileSync(
      path.join(dir, 'config/ses-bounce.ini'),
      [
        `[limit]\ninterval = ${intervalMs}ms\n[ses]\nendpoint = ${this.ses.url}\n[queue]\nstore = postgres`,
        `url = postgres://${user}@${address}:${proxy.port}/${database}\nschema = ${schema}`,
        `timeout = ${timeoutMs}ms\nhost = ${name}\n${ini}`,
      ].join('\n'),
    )
    const child = spawn(
      process.execPath,
      [builtFile('src/cli/main.js'), 'dispatch', '--json', '--dir', dir],
      {
        env: { ...emulatorEnv(), ...this.#environment(name, clockMs) },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    const host = new DispatcherHost(name, proxy, child)
    this.#hosts.add(host)
    void host.exited.then(() => this.#hosts.delete(host))
    await host.said(/leads/)
    return host
  }

  #environment(name: string, clockMs: number): Record<string, string> {
    const clock = this.#clocks.get(name) ?? new FalseTime()
    this.#clocks.set(name, clock)
    clock.step(Date.now() + clockMs - clock.nowMs())
    const { NODE_OPTIONS, ...more } = clock.env
    return { ...more, NODE_OPTIONS: `${NODE_OPTIONS} --require=${HOST_SHIM}`, TEST_HOST: name }
  }

  /** Bounces with that much time. Returns SES's ids. */
  async add(count: number, { windowMs = 3_600_000 } = {}): Promise<string[]> {
    const nowMs = Date.now()
    const requests = Array.from({ length: count }, (_, n) =>
      request({
        sesId: newSesId(),
        region: REGION,
        receivedAtMs: nowMs,
        deadlineMs: nowMs + windowMs + n,
      }),
    )
    await insertJobs(this.#connection, requests)
    return requests.map(({ sesId }) => sesId)
  }

  async jobs(): Promise<JobRecord[]> {
    const rows = await this.#connection.rows(
      `SELECT id, ses_id, state, call_begun,
         ARRAY(SELECT what FROM ${SCHEMA}.event WHERE job = seq ORDER BY number) AS events
       FROM ${SCHEMA}.job ORDER BY seq`,
    )
    return rows.map(row => ({
      id: String(row['id']),
      sesId: String(row['ses_id']),
      state: String(row['state']),
      callBegun: row['call_begun'] === true,
      events: row['events'] as string[],
    }))
  }

  /** `term`, and the name of the host that leads, or has led last. */
  async leader(): Promise<{ term: number; host: string; isGivenUp: boolean }> {
    const [row] = await this.#connection.rows(`SELECT term, host, token FROM ${SCHEMA}.leader`)
    return { term: Number(row?.['term']), host: String(row?.['host']), isGivenUp: row?.['token'] === '' }
  }

  /** Until all bounces are made. */
  allSent(timeoutMs = 60_000): Promise<unknown> {
    return until(async () => (await this.jobs()).every(({ state }) => state === 'sent'), {
      what: 'all bounces to be made',
      timeoutMs,
      everyMs: 100,
    })
  }

  /** Faults: calls too soon after the one before, and calls that no recorded interruption explains. */
  async faults(): Promise<string[]> {
    const { intervalMs } = this.#options
    const { calls } = this.ses
    const jobs = await this.jobs()
    const early = calls.slice(1).flatMap((call, index) => {
      const before = calls[index] ?? call
      const gapMs = call.atMs - before.atMs + before.lagMs
      return gapMs < intervalMs ? [`call ${call.number} came ${gapMs} ms after the one before`] : []
    })
    const repeated = jobs.flatMap(({ id, sesId, events }) => {
      const made = calls.filter(call => call.sesId === sesId && isMade(call)).length
      const interruptions = events.filter(what => what === 'interrupted').length
      return made > 1 + interruptions ? [`job ${id} was called ${made} times: ${events.join()}`] : []
    })
    return [...early, ...repeated]
  }
}

/** Others were refused: a host's clock was wrong, for one. */
export function isMade({ outcome }: SeenCall): boolean {
  return outcome.status === 200
}

function targetAt(port: number): PostgresTarget {
  return {
    host: '127.0.0.1',
    port,
    user: 'bounces',
    database: 'mail',
    schema: SCHEMA,
    connections: 2,
    timeoutMs: TIMEOUT_MS,
  }
}

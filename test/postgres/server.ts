// PostgreSQL servers of the tests' own, on loopback: started, stopped, killed and frozen as a test wants it.
// `postgres` itself is spawned, not pg_ctl: its id is known, and nothing else keeps a pipe open.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Client, type QueryResultRow } from 'pg'
import { freePort } from '../live/support/ports'
import { killIfAlive, processes } from '../live/support/processes'
import { until } from '../live/support/wait'
import { guardServer } from './guard'
import { giveTo, initialise, installPrograms, type Owner, serverOwner } from './programs'

/** Settings of postgresql.conf, by name. */
export type Settings = Readonly<Record<string, string | number>>

export interface ServerOptions {
  /** Default: a free one. */
  port?: number
  settings?: Settings
  /** Lines of pg_hba.conf that go before `trust` for all. */
  logins?: readonly string[]
  /** The data folder of a stopped server: it is copied. Default: a new one. */
  dataFolder?: string
  /** Where its folder is made. Default: the temporary directory. */
  parent?: string
  /** Called with the data folder before the server starts. */
  beforeStart?: (dataFolder: string) => void
}

/** fsync and full_page_writes stay on: the queue refuses a server without them. */
const USUAL: Settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: 300,
  shared_buffers: '32MB',
  max_wal_size: '128MB',
  logging_collector: 'off',
  log_line_prefix: '%m [%p] ',
  timezone: 'UTC',
}

/** The database and the login of the tests' queues: an ordinary one, which owns its database. */
export const DATABASE = 'mail'
export const LOGIN = 'bounces'

/** A new server, which is running. */
export async function startServer(options: ServerOptions = {}): Promise<PostgresServer> {
  const server = new PostgresServer(options, options.port ?? (await freePort()))
  await server.start()
  if (options.dataFolder === undefined) {
    await server.query(`CREATE ROLE ${LOGIN} LOGIN`)
    await server.query(`CREATE DATABASE ${DATABASE} OWNER ${LOGIN}`)
  }
  return server
}

export class PostgresServer {
  readonly port: number
  readonly dataFolder: string
  readonly #folder: string
  readonly #bin: string
  readonly #owner: Owner = serverOwner()
  readonly #leave: () => void
  #child: ChildProcess | undefined

  /** It isn't running yet. */
  constructor(
    { settings, logins = [], dataFolder, parent = tmpdir(), beforeStart }: ServerOptions,
    port: number,
  ) {
    this.port = port
    this.#folder = mkdtempSync(path.join(parent, 'postgres-'))
    chmodSync(this.#folder, 0o755)
    this.dataFolder = path.join(this.#folder, 'data')
    this.#leave = guardServer(this.#folder, this.dataFolder)
    this.#bin = installPrograms(this.#folder)
    mkdirSync(this.dataFolder, { mode: 0o700 })
    giveTo(this.#owner, this.dataFolder)
    if (dataFolder === undefined) initialise(this.#bin, this.dataFolder, this.#owner)
    else this.#copy(dataFolder)
    this.set({ ...USUAL, ...settings, port })
    const hba = path.join(this.dataFolder, 'pg_hba.conf')
    writeFileSync(hba, [...logins, readFileSync(hba, 'utf8')].join('\n'))
    beforeStart?.(this.dataFolder)
  }

  #copy(from: string): void {
    if (existsSync(path.join(from, 'postmaster.pid'))) throw new Error(`the server of ${from} is running`)
    cpSync(from, this.dataFolder, { recursive: true })
    chmodSync(this.dataFolder, 0o700)
    if (!this.#owner) return
    for (const file of readdirSync(this.dataFolder, { recursive: true, encoding: 'utf8' }))
      chownSync(path.join(this.dataFolder, file), this.#owner.uid, this.#owner.gid)
  }

  /** In force at the next start, or reload(). The last one of a name counts. */
  set(settings: Settings): void {
    const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`)
    appendFileSync(path.join(this.dataFolder, 'postgresql.conf'), lines.join(''))
  }

  get isRunning(): boolean {
    return this.#child !== undefined
  }

  /** Resolves when it accepts connections; as a standby, when it answers reads. */
  async start(): Promise<void> {
    if (this.#child) throw new Error('the server is running')
    const log = openSync(this.logFile, 'a')
    const child = spawn(path.join(this.#bin, 'postgres'), ['-D', this.dataFolder], {
      ...this.#owner,
      stdio: ['ignore', log, log],
      // a signal from the terminal is meant for the test
      detached: true,
      env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' },
      cwd: this.dataFolder,
    })
    closeSync(log)
    child.unref()
    this.#child = child
    child.once('exit', () => {
      if (this.#child === child) this.#child = undefined
    })
    await once(child, 'spawn')
    await until(() => !this.isRunning || this.#isReady(), { what: 'PostgreSQL to accept connections' })
    if (!this.isRunning) throw new Error(`PostgreSQL has ended: ${readFileSync(this.logFile, 'utf8')}`)
  }

  /** The eighth line of postmaster.pid is the state, as pg_ctl reads it. */
  #isReady(): boolean {
    const file = path.join(this.dataFolder, 'postmaster.pid')
    if (!existsSync(file)) return false
    const lines = readFileSync(file, 'utf8').split('\n')
    return Number(lines[0]) === this.#child?.pid && ['ready', 'standby'].includes(lines[7]?.trim() ?? '')
  }

  get logFile(): string {
    return path.join(this.#folder, 'log')
  }

  /** fast: what is under way is rolled back; immediate: as after a crash; smart: clients end first. */
  async stop(how: 'smart' | 'fast' | 'immediate' = 'fast'): Promise<void> {
    const signals = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' } as const
    await this.#end(() => this.#child?.kill(signals[how]))
  }

  /** All its processes, at one blow. */
  async kill(): Promise<void> {
    await this.#end(() => this.#signalAll('SIGKILL'))
  }

  async #end(work: () => void): Promise<void> {
    if (!this.#child) return
    // it doesn't keep the process alive, but this wait does
    this.#child.ref()
    const over = once(this.#child, 'exit')
    work()
    this.thaw()
    await over
  }

  async restart(how?: 'fast' | 'immediate'): Promise<void> {
    await this.stop(how)
    await this.start()
  }

  /** Its connections stay open, and answer nothing. */
  freeze(): void {
    this.#signalAll('SIGSTOP')
  }

  thaw(): void {
    this.#signalAll('SIGCONT')
  }

  /** Reads the rules for new connections again, and settings that need no restart. */
  reload(): void {
    this.#child?.kill('SIGHUP')
  }

  #signalAll(signal: NodeJS.Signals): void {
    const main = this.#child?.pid
    if (main === undefined) return
    // first the one that would start others
    killIfAlive(main, signal)
    for (const { pid, parentPid } of processes()) if (parentPid === main) killIfAlive(pid, signal)
  }

  url({ user = LOGIN, database = DATABASE, port = this.port } = {}): string {
    return `postgres://${user}@127.0.0.1:${port}/${database}`
  }

  /** The rows, by a connection of its own, as the superuser. */
  async query<T extends QueryResultRow>(
    text: string,
    values: unknown[] = [],
    database = 'postgres',
  ): Promise<T[]> {
    const client = new Client({ connectionString: this.url({ user: 'postgres', database }) })
    // or a server that goes would end the test's process
    client.on('error', () => {})
    await client.connect()
    try {
      return (await client.query<T>(text, values)).rows
    } finally {
      await client.end()
    }
  }

  /** It is stopped, and its files are gone. */
  async remove(): Promise<void> {
    await this.stop('immediate')
    this.#leave()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

// Several hosts with a Haraka each, on one queue in PostgreSQL. Each reaches the database by a way of its own, which can be
// slow, cut off or a hole, and whose address the database sees. What ends is started again, as on any host.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { TcpProxy } from '../../postgres/proxy'
import { DATABASE, LOGIN, type PostgresServer } from '../../postgres/server'
import { type RunningHaraka, startHaraka } from '../support/haraka'
import { killIfAlive } from '../support/processes'
import { iniText } from '../support/product'
import { FAULT } from '../support/unharmed'
import { until } from '../support/wait'

export const SCHEMA = 'ses_bounce'
/** A process on each host finds itself on another machine than those of the other hosts. */
const HOST_SHIM = path.join(__dirname, '../support/host-shim.js')
const START_AGAIN_MS = 200

export interface HostsOptions {
  hosts: number
  sesUrl: string
  intervalMs: number
  /** The time for an answer of the database. */
  timeoutMs: number
  /** New jobs of one sender in a day. */
  perSender: number
  /** Holds the password of the database. Default: it asks for none. */
  passwordFile?: string
}

/** The parts of a host that can be harmed. */
export type Part = 'worker' | 'dispatcher'

const RULES = `[unknown]
recipient = *@yours.example
action = bounce
bounce.type = DoesNotExist
`

export class Host {
  readonly name: string
  /** The address of its connections, as the database sees them. */
  readonly address: string
  readonly proxy: TcpProxy
  readonly dir = mkdtempSync(path.join(tmpdir(), 'haraka-'))
  readonly starts: RunningHaraka[] = []
  readonly failedBoots: string[] = []
  up: RunningHaraka | undefined
  readonly #options: HostsOptions
  #isOver = false
  #guard: Promise<void> | undefined

  private constructor(number: number, proxy: TcpProxy, options: HostsOptions) {
    this.name = `web-${number}`
    this.address = addressOf(number)
    this.proxy = proxy
    this.#options = options
  }

  /** It isn't up yet. */
  static async make(number: number, server: PostgresServer, options: HostsOptions): Promise<Host> {
    return new Host(number, await TcpProxy.start(server.port, { localAddress: addressOf(number) }), options)
  }

  /** Resolves when it is up; from then on it is started again when it ends. */
  async start(): Promise<void> {
    this.#guard = this.#keepUp()
    await until(() => this.up !== undefined || this.failedBoots.length > 2, { what: `${this.name} to be up` })
    if (this.up === undefined) throw new Error(this.failedBoots.join('\n'))
  }

  async #keepUp(): Promise<void> {
    while (!this.#isOver) {
      try {
        const haraka = await this.#launch()
        this.starts.push(haraka)
        this.up = haraka
        if (this.#isOver) killIfAlive(haraka.pid, 'SIGTERM')
        await haraka.exited
        this.up = undefined
      } catch (error) {
        this.failedBoots.push(String(error))
        await pause(START_AGAIN_MS)
      }
    }
  }

  #launch(): Promise<RunningHaraka> {
    const { sesUrl, intervalMs, timeoutMs, perSender, passwordFile } = this.#options
    const ini = {
      relay: { trusted: '127.0.0.0/8' },
      limit: { interval: `${intervalMs}ms`, per_sender: `${perSender}/day` },
      queue: {
        store: 'postgres',
        url: `postgres://${LOGIN}@127.0.0.1:${this.proxy.port}/${DATABASE}`,
        schema: SCHEMA,
        ...(passwordFile !== undefined && { password: `file:${passwordFile}` }),
        timeout: `${timeoutMs}ms`,
        host: this.name,
        retry: '200ms..2s',
      },
      ses: { timeout: '3s' },
    }
    return startHaraka({
      dir: this.dir,
      plugins: ['ses-bounce'],
      nodes: 1,
      env: { TEST_HOST: this.name, NODE_OPTIONS: `--require=${HOST_SHIM}` },
      files: {
        'config/host_list': 'yours.example\n',
        'config/ses-bounce.ini': iniText(ini, sesUrl),
        'config/ses-bounce-rules.ini': RULES,
      },
    })
  }

  pid(part: Part): number | undefined {
    if (part === 'worker') return this.up?.workers()[0]
    return this.up?.children().find(({ cmdline }) => cmdline.includes('/dispatch/main.js'))?.pid
  }

  /** Lines of the log that tell of a fault which nobody caught. */
  complaints(): string[] {
    return this.starts.flatMap(haraka => haraka.log().filter(line => FAULT.test(line)))
  }

  /** Returns what was left of any start, and had to be killed. */
  async end(): Promise<string[]> {
    this.#isOver = true
    this.proxy.heal()
    if (this.up) killIfAlive(this.up.pid, 'SIGTERM')
    await this.#guard
    const left: string[] = []
    for (const haraka of this.starts) {
      await until(() => haraka.family().length === 0, { what: 'the end', timeoutMs: 20_000 }).catch(() =>
        left.push(...haraka.family().map(({ pid, cmdline }) => `${pid} ${cmdline}`)),
      )
      await haraka.stop()
    }
    await this.proxy.close()
    return left
  }

  removeFiles(): void {
    rmSync(this.dir, { recursive: true, force: true })
  }
}

/** All of 127.0.0.0/8 is this machine's own. */
function addressOf(number: number): string {
  return `127.0.0.${100 + number}`
}

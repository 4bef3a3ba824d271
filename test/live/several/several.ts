// Three hosts on one queue, a relay that never gives up, and SES: what is done to them is judged from all that was seen.

import { setTimeout as pause } from 'node:timers/promises'
import { type PostgresServer, startServer } from '../../postgres/server'
import { type ChaosSes, startChaosSes } from '../support/chaos-ses'
import { until } from '../support/wait'
import { installAudit } from './audit'
import { type Harm, type History, readRows } from './history'
import { Host, type HostsOptions, SCHEMA } from './hosts'
import { SeveralRelay } from './relay'
import type { Field } from './strike'
import { faultsOf } from './verdict'

const INTERVAL_MS = 300
const PER_SENDER = 8
const TIMEOUT_MS = 1000
/** Calls are under way for so long. */
const LATENCY_MS = 150
const MAIL_EVERY_MS = 250
/** So that jobs wait when it begins. */
const BEFORE_MS = 1000
const AFTER_MS = 1500
const SETTLED_MS = 60_000
/** An interrupted call is made again a minute later. */
const ENDED_MS = 100_000

export interface SeveralOptions {
  hosts?: number
  seed?: number
  /** Before the Harakas start, with the tables there or not. */
  server?: PostgresServer
  /** Holds the password of the database. Default: it asks for none. */
  passwordFile?: string
}

/** Lines of pg_hba.conf: hosts have addresses of their own. */
export const ALL_HOSTS = ['host all all 127.0.0.0/8 trust']

export class Several implements Field {
  /** The one that counts: another one once that was promoted. */
  server: PostgresServer
  readonly hosts: readonly Host[]
  readonly ses: ChaosSes
  readonly relay: SeveralRelay
  readonly harms: Harm[] = []
  readonly #told = new Set<string>()
  #left: string[] = []

  private constructor(server: PostgresServer, hosts: readonly Host[], ses: ChaosSes, seed: number) {
    this.server = server
    this.hosts = hosts
    this.ses = ses
    this.relay = new SeveralRelay(hosts, seed)
  }

  static async begin({ hosts = 3, seed = 1, server, passwordFile }: SeveralOptions = {}): Promise<Several> {
    const database = server ?? (await startServer({ logins: ALL_HOSTS }))
    // it may read a call late: what came too soon is found by the calls' times
    const ses = await startChaosSes({ intervalMs: INTERVAL_MS / 2, latencyMs: LATENCY_MS, faults: [] })
    const options: HostsOptions = {
      hosts,
      sesUrl: ses.url,
      intervalMs: INTERVAL_MS,
      timeoutMs: TIMEOUT_MS,
      perSender: PER_SENDER,
      ...(passwordFile !== undefined && { passwordFile }),
    }
    const made: Host[] = []
    for (let number = 1; number <= hosts; number++) made.push(await Host.make(number, database, options))
    const several = new Several(database, made, ses, seed)
    try {
      await made[0]?.start()
      await installAudit(database)
      await Promise.all(made.slice(1).map(host => host.start()))
    } catch (error) {
      await several.end()
      throw error
    }
    return several
  }

  /** Mail comes in while that is done; then everything is answered and settled. Resolves with the faults that are new. */
  async during(work: () => Promise<Harm | undefined>): Promise<string[]> {
    const stop = this.relay.keepSending(MAIL_EVERY_MS)
    try {
      await pause(BEFORE_MS)
      const harm = await work()
      if (harm) this.harms.push(harm)
      await pause(AFTER_MS)
    } finally {
      stop()
    }
    await this.#answered()
    await this.#settled(`state = 'sending' OR (state = 'queued' AND not_before_ms <= ${NOW_SQL})`, SETTLED_MS)
    return this.#newFaults(false)
  }

  /** All jobs have ended, and so have the Harakas. Resolves with the faults that are new. */
  async finish(): Promise<string[]> {
    await this.#answered()
    await this.#settled("state IN ('queued', 'sending')", ENDED_MS)
    for (const host of this.hosts) this.#left.push(...(await host.end()))
    return this.#newFaults(true)
  }

  async history(): Promise<History> {
    return {
      intervalMs: INTERVAL_MS,
      timeoutMs: TIMEOUT_MS,
      perSender: PER_SENDER,
      hosts: Object.fromEntries(this.hosts.map(({ address, name }) => [address, name])),
      mails: this.relay.mails,
      calls: this.ses.calls,
      ...(await readRows(this.server)),
      harms: this.harms,
      complaints: this.hosts.flatMap(host => host.complaints()),
      left: this.#left,
    }
  }

  /** All that the verdict finds by now. */
  async faults(): Promise<string[]> {
    return faultsOf(await this.history(), { isOver: false })
  }

  async #newFaults(isOver: boolean): Promise<string[]> {
    const faults = faultsOf(await this.history(), { isOver }).filter(fault => !this.#told.has(fault))
    for (const fault of faults) this.#told.add(fault)
    return faults
  }

  async #answered(): Promise<void> {
    await until(() => this.relay.openMails.length === 0, {
      what: `250 for all mail; ${this.relay.openMails.length} are open`,
    })
  }

  async #settled(condition: string, timeoutMs: number): Promise<void> {
    await until(async () => (await this.#count(condition)) === 0, {
      what: `the end of all jobs with ${condition}`,
      timeoutMs,
      everyMs: 200,
    })
  }

  async #count(condition: string): Promise<number> {
    const text = `SELECT count(*) AS n FROM ${SCHEMA}.job WHERE ${condition}`
    const [row] = await this.server.query<{ n: string }>(text, [], 'mail')
    return Number(row?.n)
  }

  async end(): Promise<void> {
    this.relay.end()
    for (const host of this.hosts) await host.end()
    for (const host of this.hosts) host.removeFiles()
    await this.ses.close()
    await this.server.remove()
  }
}

const NOW_SQL = '(extract(epoch FROM clock_timestamp()) * 1000)'

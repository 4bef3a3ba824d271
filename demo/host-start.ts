// Starts what `npm start -- --hosts 3` shows: PostgreSQL, a server of S3, the SES emulator, and a Haraka for each host in
// a directory of its own.

import { rmSync } from 'node:fs'
import path from 'node:path'
import { openQueueReader } from '../src/queue/open'
import type { QueueReader } from '../src/queue/operator'
import type { SesEmulator } from '../src/ses-emulator/options'
import { startSesEmulator } from '../src/ses-emulator/server'
import { type RunningHaraka, startHarakaIn } from '../test/live/support/haraka'
import { noteLag } from '../test/live/support/pace'
import { packageFolder } from '../test/live/support/package-folder'
import { DATABASE, LOGIN, type PostgresServer, startServer } from '../test/postgres/server'
import { type S3Server, startS3 } from '../test/quarantine/s3-server'
import { fillDirectory, makeDirectory } from './directory'
import { logFile } from './haraka-log'
import { pickPorts } from './port'
import { pageAt, type StatusPage, showPage } from './status-page'
import type { Terminal } from './terminal'

export interface DemoHost {
  name: string
  dir: string
  port: number
  page: StatusPage | undefined
  haraka: RunningHaraka
  /** The command of the product, for this host's directory. */
  command: string
}

/** The parts outside this process. Each is ended in every case. */
export class HostParts {
  readonly hosts: DemoHost[] = []
  readonly #dirs: string[] = []
  #postgres: PostgresServer | undefined
  #s3: S3Server | undefined
  #ses: SesEmulator | undefined
  #reader: QueueReader | undefined

  async start(
    count: number,
    terminal: Terminal,
    stop: AbortSignal,
  ): Promise<{ reader: QueueReader; ses: SesEmulator }> {
    const postgres = await startServer()
    this.#postgres = postgres
    const s3 = await startS3()
    this.#s3 = s3
    const ses = await startSesEmulator({ messages: 'any', identities: ['example.com'], onCall: noteLag })
    this.#ses = ses
    terminal.line(
      `PostgreSQL on 127.0.0.1:${postgres.port} for the queue, a server of S3 for kept mail, an SES emulator for the bounces.`,
    )
    for (let number = 1; number <= count; number++) {
      stop.throwIfAborted()
      const stores = storesIni(`web-${number}`, postgres, s3)
      const host = await this.#startHost(`web-${number}`, { sesUrl: ses.url, stores, s3, terminal, stop })
      terminal.line(`${host.name}: Haraka on 127.0.0.1:${host.port} in ${host.dir}`)
    }
    const target = {
      store: 'postgres',
      host: '127.0.0.1',
      port: postgres.port,
      user: LOGIN,
      database: DATABASE,
      schema: SCHEMA,
      connections: 1,
      timeoutMs: 5000,
      migrates: 'by hand',
      hostName: 'demo',
    } as const
    const reader = await openQueueReader(target)
    this.#reader = reader
    return { reader, ses }
  }

  async end(graceMs: number): Promise<void> {
    await Promise.all(this.hosts.map(({ haraka }) => haraka.stop({ graceMs })))
    await this.#reader?.close()
    await this.#ses?.close()
    await this.#s3?.close()
    await this.#postgres?.remove()
    this.removeDirectories()
  }

  removeDirectories(): void {
    for (const dir of this.#dirs) rmSync(dir, { recursive: true, force: true })
  }

  async #startHost(
    name: string,
    {
      sesUrl,
      stores,
      s3,
      terminal,
      stop,
    }: {
      sesUrl: string
      stores: string
      s3: S3Server
      terminal: Terminal
      stop: AbortSignal
    },
  ): Promise<DemoHost> {
    // each host listens before the next ports are picked
    const { smtp: port, http } = await pickPorts()
    const packageDir = packageFolder()
    const dir = makeDirectory()
    this.#dirs.push(dir)
    const page = pageAt(http, packageDir)
    fillDirectory(dir, { packageDir, port, sesUrl, page, stores })
    const env = { AWS_ENDPOINT_URL_S3: s3.url, AWS_REGION: s3.config.region }
    const haraka = await startHarakaIn({ dir, port }, { logFile: logFile(dir), signal: stop, env })
    const program = path.join(path.relative(process.cwd(), packageDir), 'dist/src/cli/main.js')
    const host = { name, dir, port, page, haraka, command: `node ${program} --dir ${dir}` }
    this.hosts.push(host)
    await showPage(page, { terminal: { ...terminal, line: () => undefined }, stop })
    return host
  }
}

const SCHEMA = 'ses_bounce'

function storesIni(name: string, { port }: PostgresServer, { bucket }: S3Server): string {
  return `
[queue]
store = postgres         ; one queue for all hosts
url = postgres://${LOGIN}@127.0.0.1:${port}/${DATABASE}
schema = ${SCHEMA}
host = ${name}

[quarantine]
store = s3://${bucket}/ses-bounce   ; kept and quarantined mail, for all hosts
`
}

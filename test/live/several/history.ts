// All that was seen of a run with several hosts: what the relay was told, SES's calls, the rows of the database, and what was
// done to whom. Plain data for ./verdict.ts.

import type { JobEvent } from '../../../src/queue/job'
import { openConnection } from '../../../src/queue/postgres/connection'
import { readerOf } from '../../../src/queue/postgres/reader'
import { DATABASE, type PostgresServer } from '../../postgres/server'
import type { SeenCall } from '../support/chaos-ses'
import type { RecordedJob } from '../support/chaos-verdict'
import { type CallBegun, type LeadTaken, readBegun, readLeads, readSteps, type Step } from './audit'
import { SCHEMA } from './hosts'
import type { SeveralMail } from './relay'

/** Something was done to a host, to the way to the database, or to the database. Times since the epoch. */
export interface Harm {
  /** For messages. */
  what: string
  fromMs: number
  /** It is over, and what was killed is back. */
  toMs: number
}

export interface History {
  intervalMs: number
  /** The time for an answer of the database. */
  timeoutMs: number
  /** New jobs of one sender in a day. */
  perSender: number
  /** By its address, as the database sees it. */
  hosts: Readonly<Record<string, string>>
  mails: readonly SeveralMail[]
  calls: readonly SeenCall[]
  jobs: readonly RecordedJob[]
  leads: readonly LeadTaken[]
  begun: readonly CallBegun[]
  steps: readonly Step[]
  harms: readonly Harm[]
  /** Lines of Haraka's log that tell of a fault nobody caught. */
  complaints: readonly string[]
  /** Processes that didn't end. */
  left: readonly string[]
}

/** The rows of the database. */
export async function readRows(
  server: PostgresServer,
): Promise<Pick<History, 'jobs' | 'leads' | 'begun' | 'steps'>> {
  return {
    jobs: await readJobs(server),
    leads: await readLeads(server),
    begun: await readBegun(server),
    steps: await readSteps(server),
  }
}

export async function readJobs(server: PostgresServer): Promise<RecordedJob[]> {
  const connection = openConnection({
    host: '127.0.0.1',
    port: server.port,
    user: 'postgres',
    database: DATABASE,
    schema: SCHEMA,
    connections: 4,
    timeoutMs: 30_000,
  })
  const reader = readerOf(connection, { home: '', host: '' })
  try {
    const events = await connection.rows(
      `SELECT id, at_ms AS "atMs", what, detail FROM ${SCHEMA}.event JOIN ${SCHEMA}.job ON seq = job ORDER BY number`,
    )
    const histories = new Map<unknown, JobEvent[]>()
    for (const { id, ...event } of events)
      histories.set(id, [...(histories.get(id) ?? []), event as unknown as JobEvent])
    const jobs: RecordedJob[] = []
    for await (const job of reader.jobs()) jobs.push({ ...job, history: histories.get(job.id) ?? [] })
    return jobs
  } finally {
    await connection.close()
  }
}

// A schema of its own for each test, and connections to it with times as the test likes.

import { addressKey } from '../../../src/mail/address'
import type { BounceRequest } from '../../../src/policy/decision'
import { newJobId } from '../../../src/queue/job-id'
import { type LeaseOwner, thisProcess } from '../../../src/queue/lease-owner'
import { openConnection, type PostgresConnection } from '../../../src/queue/postgres/connection'
import { PostgresDispatcherQueue } from '../../../src/queue/postgres/dispatcher-queue'
import { prepareSchema } from '../../../src/queue/postgres/prepare'
import type { PostgresTarget } from '../../../src/queue/postgres/target'
import { freshSchema } from '../../postgres/shared'

export interface TestSchema {
  target: PostgresTarget
  connect(): PostgresConnection
  dispatcher(options?: { owner?: LeaseOwner; host?: string; mostSkewMs?: number }): PostgresDispatcherQueue
  remove(): Promise<void>
}

export async function preparedSchema(): Promise<TestSchema> {
  const { url, schema, remove } = await freshSchema()
  const { hostname, port, username, pathname } = new URL(url)
  const target: PostgresTarget = {
    host: hostname,
    port: Number(port),
    user: username,
    database: pathname.slice(1),
    schema,
    connections: 2,
    timeoutMs: 5000,
  }
  await prepareSchema(target, { migrates: true })
  const connect = (mostSkewMs = Number.POSITIVE_INFINITY) => openConnection(target, { mostSkewMs })
  return {
    target,
    connect: () => connect(),
    dispatcher: ({ owner = anotherProcess(), host = 'web-1', mostSkewMs } = {}) =>
      new PostgresDispatcherQueue({
        connection: connect(mostSkewMs),
        beats: connect(mostSkewMs),
        owner,
        host,
      }),
    remove,
  }
}

/** Alive, as far as anybody can see. */
export function anotherProcess(): LeaseOwner {
  return { ...thisProcess(), pidSpace: 'another host' }
}

/** Adds one job for each of the requests, whatever is in the queue. */
export async function insertJobs(
  connection: PostgresConnection,
  requests: readonly BounceRequest[],
): Promise<string[]> {
  const { schema } = connection
  const ids: string[] = []
  for (const { recipient, ...one } of requests) {
    const id = newJobId(0)
    ids.push(id)
    await connection.rows(`INSERT INTO ${schema}.region (name) VALUES ($1) ON CONFLICT DO NOTHING`, [
      one.region,
    ])
    const [row] = await connection.rows(
      `INSERT INTO ${schema}.job (id, state, region, ses_id, sender, bounce_sender, reporting_mta, received_ms,
         deadline_ms, created_ms, changed_ms) VALUES ($1, 'queued', $2, $3, $4, $5, $6, $7, $8, 0, 0) RETURNING seq`,
      [
        id,
        one.region,
        one.sesId,
        one.sender,
        one.bounceSender,
        one.reportingMta,
        one.receivedAtMs,
        one.deadlineMs,
      ],
    )
    await addRecipient(connection, Number(row?.['seq']), one.sesId, one.rule, recipient)
  }
  return ids
}

export async function addRecipient(
  connection: PostgresConnection,
  seq: number,
  sesId: string,
  rule: string,
  { address, bounceType, status, diagnostic, isUnconfirmed = false }: BounceRequest['recipient'],
): Promise<void> {
  await connection.rows(
    `INSERT INTO ${connection.schema}.recipient (ses_id, address_key, job, address, bounce_type, status, diagnostic, rule, added_ms,
       unconfirmed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9)`,
    [sesId, addressKey(address), seq, address, bounceType, status, diagnostic, rule, isUnconfirmed ? 1 : 0],
  )
}

// A queue in a schema of its own of the tests' PostgreSQL server. Times are as the test likes. Whatever is opened has
// connections of its own, as processes of several hosts.

import type { PostgresConnection } from '../../../src/queue/postgres/connection'
import { counterStoreOf } from '../../../src/queue/postgres/counter-store'
import { mailLedger, openMailLedger } from '../../../src/queue/postgres/mail-ledger'
import { operatorQueueOf } from '../../../src/queue/postgres/operator-queue'
import { readerOf } from '../../../src/queue/postgres/reader'
import { openWorkerQueue } from '../../../src/queue/postgres/worker-queue'
import { HOME, type PlainJob, type Rows, type Store, storeOf } from '../store'
import { preparedSchema } from './support'

const AT_ANY_TIME = { mostSkewMs: Number.POSITIVE_INFINITY }
const VIEW = { home: HOME, host: 'web-1' }

export async function postgresStore(): Promise<Store> {
  const prepared = await preparedSchema()
  const { target } = prepared
  const connect = () => prepared.connect()
  const operator = () => {
    const connection = connect()
    return operatorQueueOf(connection, VIEW, mailLedger(connection, VIEW.home))
  }
  return storeOf(
    {
      worker: () => openWorkerQueue(target, { ...AT_ANY_TIME, home: VIEW.home }),
      dispatcher: () => prepared.dispatcher(),
      operator: operator,
      reader: () => readerOf(connect(), VIEW),
      counters: () => counterStoreOf(connect(), VIEW.host),
      ledger: home => openMailLedger(target, { ...AT_ANY_TIME, home }),
    },
    rowsOf(connect),
    () => prepared.remove(),
  )
}

function rowsOf(connect: () => PostgresConnection): Rows {
  const write = async (work: (connection: PostgresConnection) => Promise<unknown>) => {
    const connection = connect()
    await work(connection)
    await connection.close()
  }
  return {
    drop: id =>
      write(connection => connection.rows(`DELETE FROM ${connection.schema}.job WHERE id = $1`, [id])),
    fill: (region, deadlines) =>
      write(async connection => {
        const { schema } = connection
        await connection.rows(`DELETE FROM ${schema}.job`)
        await connection.rows(`INSERT INTO ${schema}.region (name) VALUES ($1) ON CONFLICT DO NOTHING`, [
          region,
        ])
        await connection.rows(
          `INSERT INTO ${schema}.job (id, state, region, ses_id, sender, bounce_sender, reporting_mta, received_ms,
             deadline_ms, created_ms, changed_ms)
           SELECT 'job' || n, 'queued', $1, 'mail' || n, 's@origin.example', 'b@yours.example', 'dns; mx', 0, ms, 0, 0
           FROM unnest($2::bigint[]) WITH ORDINALITY AS one (ms, n)`,
          [region, deadlines],
        )
      }),
    put: jobs =>
      write(async connection => {
        for (let from = 0; from < jobs.length; from += AT_ONCE)
          await putSome(connection, jobs.slice(from, from + AT_ONCE))
      }),
  }
}

/** The number of rows that are written within the time for an answer, on a busy machine. */
const AT_ONCE = 1000

async function putSome(connection: PostgresConnection, jobs: readonly PlainJob[]): Promise<void> {
  const { schema } = connection
  const text = JSON.stringify(jobs)
  await connection.rows(
    `INSERT INTO ${schema}.job (id, state, region, ses_id, sender, sender_key, bounce_sender, reporting_mta, received_ms,
       deadline_ms, created_ms, changed_ms)
     SELECT one->>'id', one->>'state', one->>'region', one->>'sesId', one->>'sender', one->>'senderKey',
       'b@yours.example', 'dns; mx', 0, n, n, n
     FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS each (one, n) ORDER BY n`,
    [text],
  )
  await connection.rows(
    `INSERT INTO ${schema}.recipient (ses_id, address_key, job, address, bounce_type, status, diagnostic, rule, added_ms)
     SELECT one->>'sesId', one->>'recipient', seq, one->>'recipient', 'DoesNotExist', '5.1.1', 'smtp; 550',
       one->>'rule', 0
     FROM jsonb_array_elements($1::jsonb) AS each (one) JOIN ${schema}.job ON job.id = one->>'id'`,
    [text],
  )
}

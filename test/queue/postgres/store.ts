// A queue in a schema of its own of the tests' PostgreSQL server. Times are as the test likes. Whatever is opened has
// connections of its own, as processes of several hosts.

import type { PostgresConnection } from '../../../src/queue/postgres/connection'
import { counterStoreOf } from '../../../src/queue/postgres/counter-store'
import { mailLedger, openMailLedger } from '../../../src/queue/postgres/mail-ledger'
import { operatorQueueOf } from '../../../src/queue/postgres/operator-queue'
import { readerOf } from '../../../src/queue/postgres/reader'
import { openWorkerQueue } from '../../../src/queue/postgres/worker-queue'
import { HOME, type Store, storeOf } from '../store'
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
    (region, deadlines) => fill(connect, region, deadlines),
    () => prepared.remove(),
  )
}

async function fill(
  connect: () => PostgresConnection,
  region: string,
  deadlines: readonly number[],
): Promise<void> {
  const connection = connect()
  const { schema } = connection
  await connection.rows(`DELETE FROM ${schema}.job`)
  await connection.rows(`INSERT INTO ${schema}.region (name) VALUES ($1) ON CONFLICT DO NOTHING`, [region])
  await connection.rows(
    `INSERT INTO ${schema}.job (id, state, region, ses_id, sender, bounce_sender, reporting_mta, received_ms, deadline_ms,
       created_ms, changed_ms)
     SELECT 'job' || n, 'queued', $1, 'mail' || n, 's@origin.example', 'b@yours.example', 'dns; mx', 0, ms, 0, 0
     FROM unnest($2::bigint[]) WITH ORDINALITY AS one (ms, n)`,
    [region, deadlines],
  )
  await connection.close()
}

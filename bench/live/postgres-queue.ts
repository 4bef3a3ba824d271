// Makes queues in PostgreSQL with a day of jobs: rows with other values in one statement, as adding them one by one would
// take longer than the measurement.

import { openConnection } from '../../src/queue/postgres/connection'
import { prepareSchema } from '../../src/queue/postgres/prepare'
import type { PostgresTarget } from '../../src/queue/postgres/target'
import { DATABASE, LOGIN, type PostgresServer } from '../../test/postgres/server'
import { deadlineOf, REGION } from './jobs'

const LEVELS = [1, 2, 3]
const FILL_TIMEOUT_MS = 300_000

export async function postgresQueue(
  server: PostgresServer,
  jobs: number,
  spacingMs: number,
): Promise<PostgresTarget> {
  const target = {
    host: '127.0.0.1',
    port: server.port,
    user: LOGIN,
    database: DATABASE,
    schema: `queue_${jobs}`,
    connections: 1,
    timeoutMs: 10_000,
  }
  await prepareSchema(target, { migrates: true })
  const connection = openConnection({ ...target, timeoutMs: FILL_TIMEOUT_MS })
  try {
    const { schema } = connection
    await connection.rows(`INSERT INTO ${schema}.region (name, spacing_ms) VALUES ($1, $2)`, [
      REGION,
      spacingMs,
    ])
    if (jobs > 0) await connection.script(fillText(schema, jobs, spacingMs), FILL_TIMEOUT_MS)
  } finally {
    await connection.close()
  }
  return target
}

/** Without triggers; their tables are filled at the end. */
function fillText(schema: string, jobs: number, spacingMs: number): string {
  const nowMs = Date.now()
  const [first, second] = [deadlineOf(0, jobs, nowMs), deadlineOf(1, jobs, nowMs)]
  const spans = LEVELS.map(level => {
    const slot = `at_ms - at_ms % ${1000 * 16 ** level}`
    return `INSERT INTO slot SELECT region, ${level}, own, sum(jobs), min(least_ms - ${spacingMs} * before) FROM (
      SELECT region, ${slot} AS own, jobs, least_ms,
        sum(jobs) OVER (PARTITION BY region, ${slot} ORDER BY at_ms) - jobs AS before
      FROM slot WHERE level = ${level - 1}) AS below GROUP BY region, own`
  })
  return [
    `SET LOCAL search_path = ${schema}`,
    'ALTER TABLE job DISABLE TRIGGER USER',
    `INSERT INTO job (id, state, region, ses_id, sender, sender_key, sender_domain, bounce_sender, reporting_mta,
        received_ms, deadline_ms, created_ms, changed_ms)
      SELECT 'job' || n, 'queued', '${REGION}', 'mail' || n, 'writer' || n || '@origin.example', 'writer' || n || '@o',
        'origin' || n || '.example', 'mailer-daemon@example.com', 'dns; mx.example.com', ${nowMs},
        ${first} + ${second - first} * n::bigint, ${nowMs}, ${nowMs}
      FROM generate_series(0, ${jobs - 1}) AS n`,
    'ALTER TABLE job ENABLE TRIGGER USER',
    `INSERT INTO recipient (ses_id, address_key, job, address, bounce_type, status, diagnostic, rule, added_ms)
      SELECT ses_id, id || '@example.com', seq, id || '@example.com', 'DoesNotExist', '5.1.1', 'smtp; 550', 'r', 0 FROM job`,
    'INSERT INTO job_count SELECT region, state, count(*) FROM job GROUP BY region, state',
    `INSERT INTO slot SELECT region, 0, deadline_ms - deadline_ms % 1000 AS own, count(*),
        deadline_ms - deadline_ms % 1000 - ${spacingMs} * (count(*) - 1)
      FROM job GROUP BY region, deadline_ms - deadline_ms % 1000`,
    ...spans,
  ].join(';\n')
}

// Several hosts add at once: what decides (caps, twins, the forecast) sees what the others wrote.

import assert from 'node:assert/strict'
import { pseudoRandom } from '../../../bench/text'
import type { Submitted } from '../../../src/queue/job'
import type { PostgresConnection } from '../../../src/queue/postgres/connection'
import { openWorkerQueue } from '../../../src/queue/postgres/worker-queue'
import type { WorkerQueue } from '../../../src/queue/store'
import { until } from '../../live/support/wait'
import { HOME } from '../store'
import { HOUR_MS, request } from '../support'
import { preparedSchema, type TestSchema } from './support'

const WORKERS = 8
const NOW = 0

describe('workers of several hosts that add at once', () => {
  let schema: TestSchema
  let connection: PostgresConnection
  let workers: WorkerQueue[]
  beforeEach(async () => {
    schema = await preparedSchema()
    connection = schema.connect()
    workers = Array.from({ length: WORKERS }, () =>
      openWorkerQueue(
        { ...schema.target, connections: 1, timeoutMs: 30_000 },
        { home: HOME, mostSkewMs: Number.POSITIVE_INFINITY },
      ),
    )
  })
  afterEach(async () => {
    for (const one of [...workers, connection]) await one.close()
    await schema.remove()
  })

  it('add exactly as many bounces for each sender as its cap allows', async () => {
    const [cap, senders, mails] = [10, 15, 20]
    const results: Submitted[] = []
    // each worker has all senders, each time in another order
    await Promise.all(
      workers.map(async (worker, number) => {
        const random = pseudoRandom(number + 1)
        const own = Array.from({ length: (senders * mails) / 2 }, (_, index) => `s${index % senders}`)
        own.sort(() => random(3) - 1)
        for (const [index, sender] of own.entries()) {
          const caps = [{ by: 'sender', key: sender, rate: { count: cap, perMs: HOUR_MS } }] as const
          const bounce = request({ sesId: `${number}-${index}`, sender, senderKey: sender, caps })
          results.push(...(await worker.add([bounce], NOW)))
        }
      }),
    )
    const counts = await connection.rows(
      `SELECT sender_key, count(*) AS jobs FROM ${connection.schema}.job GROUP BY 1`,
    )
    assert.equal(counts.length, senders)
    for (const { jobs } of counts) assert.equal(jobs, cap)
    assert.equal(results.filter(({ outcome }) => outcome === 'added').length, cap * senders)
    assert.equal(results.filter(({ outcome }) => outcome === 'capped').length, results.length - cap * senders)
  })

  it('make one job of a mail that comes to all of them, and one of its recipients', async () => {
    for (let mail = 0; mail < 20; mail++) {
      const all = await Promise.all(
        workers.map(async (worker, index) =>
          worker.add(
            [
              request({ sesId: `m${mail}` }),
              request({ sesId: `m${mail}`, recipient: { address: `u${index % 2}@yours.example` } }),
            ],
            NOW,
          ),
        ),
      )
      const jobs = new Set(all.flat().map(({ jobId }) => jobId))
      assert.equal(jobs.size, 1)
      assert.equal(all.filter(([first]) => first?.outcome === 'added').length, 1)
    }
    const [row] = await connection.rows(
      `SELECT (SELECT count(*) FROM ${connection.schema}.job) AS jobs,
         (SELECT count(*) FROM ${connection.schema}.recipient) AS recipients`,
    )
    assert.deepEqual(row, { jobs: 20, recipients: 60 })
  })

  it('add no job that would have another one start too late', async () => {
    const [spacingMs, seconds] = [500, 60]
    const forecast = { nowMonoMs: 0, spacingMs, marginMs: 0 }
    await Promise.all(
      workers.map(async (worker, number) => {
        const random = pseudoRandom(number + 1)
        for (let index = 0; index < 40; index++) {
          const deadlineMs = random(seconds) * 1000
          await worker.add([request({ sesId: `${number}-${index}`, deadlineMs })], NOW, { forecast })
        }
      }),
    )
    const rows = await connection.rows(
      `SELECT deadline_ms FROM ${connection.schema}.job ORDER BY deadline_ms`,
    )
    // as full as it can be: the day is over when it is
    assert.ok(rows.length > seconds, `${rows.length} jobs`)
    for (const [index, { deadline_ms: deadlineMs }] of rows.entries())
      assert.ok(index * spacingMs <= Number(deadlineMs), `the job ${index} of ${rows.length}`)
  })
})

describe('the sums over waiting jobs', () => {
  let schema: TestSchema
  let connection: PostgresConnection
  before(async () => {
    schema = await preparedSchema()
    connection = schema.connect()
  })
  after(async () => {
    await connection.close()
    await schema.remove()
  })

  it('are those of a plain list after thousands of changes of all kinds', async function () {
    this.timeout(300_000)
    const name = connection.schema
    await connection.rows(`INSERT INTO ${name}.region (name, spacing_ms) VALUES ('a', 1035), ('b', 250.5)`)
    // 10,000 changes: jobs come, go, wait again, move to other times and regions, and the spacing changes
    for (let round = 0; round < 10; round++) {
      await connection.script(
        `DO $do$ DECLARE chosen bigint; BEGIN
          PERFORM setseed(${round / 10}), set_config('search_path', '${name.replaceAll('"', '')}', true);
          FOR i IN 1..1000 LOOP
            chosen := (SELECT max(seq) FROM job) * random();
            CASE floor(random() * 6)::int
              WHEN 0, 1, 2 THEN
                INSERT INTO job (id, state, region, ses_id, sender, bounce_sender, reporting_mta, received_ms, deadline_ms,
                    created_ms, changed_ms)
                  VALUES ('${round}-' || i, CASE WHEN random() < 0.9 THEN 'queued' ELSE 'held' END,
                    CASE WHEN random() < 0.7 THEN 'a' ELSE 'b' END, 'm', 's', 'b', 'r', 0,
                    (random() * ${round % 2 === 0 ? 86_400_000 : 40_000})::bigint - 10000, 0, 0);
              WHEN 3 THEN
                DELETE FROM job WHERE seq = (SELECT seq FROM job WHERE seq >= chosen ORDER BY seq LIMIT 1);
              WHEN 4 THEN
                UPDATE job SET state = CASE WHEN state = 'queued' THEN 'sending' ELSE 'queued' END
                  WHERE seq = (SELECT seq FROM job WHERE seq >= chosen ORDER BY seq LIMIT 1);
              ELSE
                UPDATE job SET deadline_ms = (random() * 86400000)::bigint, region = CASE WHEN random() < 0.5 THEN 'a' ELSE 'b' END
                  WHERE seq = (SELECT seq FROM job WHERE seq >= chosen ORDER BY seq LIMIT 1);
            END CASE;
          END LOOP;
          UPDATE region SET spacing_ms = 100 + 2000 * random() WHERE name = 'a';
        END $do$`,
        60_000,
      )
      await agree()
    }

    async function agree(): Promise<void> {
      const lanes = await connection.rows(`SELECT name, spacing_ms FROM ${name}.region ORDER BY name`)
      for (const { name: region, spacing_ms: spacing } of lanes) {
        const jobs = await connection.rows(
          `SELECT deadline_ms FROM ${name}.job WHERE state = 'queued' AND region = $1 ORDER BY deadline_ms`,
          [String(region)],
        )
        const seconds = jobs.map(({ deadline_ms: ms }) => Math.floor(Number(ms) / 1000) * 1000)
        for (const deadlineMs of [-11_000, -1, 0, 999, 20_000, 4_095_999, 43_200_000, 86_399_999]) {
          const [row] = await connection.rows(
            `SELECT jobs, later_ms FROM ${name}.slots_ahead_1($1, $2, $3)`,
            [String(region), deadlineMs, Number(spacing)],
          )
          const endMs = Math.floor(deadlineMs / 1000) * 1000 + 1000
          const later = seconds.flatMap((ms, index) => (ms >= endMs ? ms - Number(spacing) * index : []))
          assert.equal(row?.['jobs'], seconds.filter(ms => ms < endMs).length)
          if (later.length === 0) assert.equal(row?.['later_ms'], null)
          // sums of other orders differ in the last digits
          else assert.ok(Math.abs(Number(row?.['later_ms']) - Math.min(...later)) < 0.01)
        }
      }
    }
  })

  it('and all else that a worker asks for is found by an index, also in tables that were empty at first', async () => {
    const worker = openWorkerQueue(schema.target, { home: HOME, mostSkewMs: Number.POSITIVE_INFINITY })
    const caps = [
      { by: 'sender', key: 'k', rate: { count: 1000, perMs: HOUR_MS } },
      { by: 'domain', key: 'k', rate: { count: 1000, perMs: HOUR_MS } },
      { by: 'rule', key: 'k', rate: { count: 1000, perMs: HOUR_MS } },
    ] as const
    const forecast = { nowMonoMs: 0, spacingMs: 1, marginMs: 0 }
    const before = await scans(0)
    for (let index = 0; index < 30; index++) {
      const one = request({ sesId: `indexed${index}`, region: 'c', caps })
      await worker.look({
        sesId: one.sesId,
        idempotencyKey: 'none',
        nowMs: 0,
        bounce: { region: one.region, deadlineMs: one.deadlineMs, caps, nowMonoMs: 0 },
      })
      const [added] = await worker.add([one], 0, { forecast, record: { key: `${index}`, digest: 'd' } })
      assert.equal(added?.outcome, 'added')
    }
    await worker.close()
    assert.deepEqual(await scans(30), before)

    /** The number of scans of whole tables. Connections report soon after a scan, or when they end. */
    async function scans(added: number): Promise<unknown> {
      const rows = await until(
        async () => {
          const found = await connection.rows(
            `SELECT relname, seq_scan, n_tup_ins FROM pg_stat_user_tables WHERE schemaname = $1
               AND relname IN ('job', 'recipient', 'slot', 'answer', 'mail_file', 'event') ORDER BY 1`,
            [schema.target.schema],
          )
          return Number(found[0]?.['n_tup_ins']) >= added && found
        },
        { what: 'what the connection did' },
      )
      return rows.map(({ relname, seq_scan: all }) => [relname, all])
    }
  })
})

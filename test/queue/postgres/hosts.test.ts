import assert from 'node:assert/strict'
import { COUNTED, type Counted } from '../../../src/queue/counters'
import type { PostgresConnection } from '../../../src/queue/postgres/connection'
import { counterStoreOf } from '../../../src/queue/postgres/counter-store'
import { hostRegisterOf } from '../../../src/queue/postgres/hosts'
import { readerOf } from '../../../src/queue/postgres/reader'
import { SCHEMA_FUNCTIONS } from '../../../src/queue/postgres/schema'
import { preparedSchema, type TestSchema } from './support'

const DAY_MS = 86_400_000
const PACE = { spacingMs: 1005, forecastMs: 1035, marginMs: 60_000 }

describe('the hosts of a queue in PostgreSQL', () => {
  let queue: TestSchema
  let connection: PostgresConnection

  beforeEach(async () => {
    queue = await preparedSchema()
    connection = queue.connect()
  })

  afterEach(async () => {
    await connection.close()
    await queue.remove()
  })

  const note = (name: string, id = name, version = '1.0.0') => ({
    id,
    name,
    version,
    config: `config of ${name}`,
    upMs: 5000,
  })
  const register = () => hostRegisterOf(connection)
  const backdate = (id: string, ms: number) =>
    connection.rows(`UPDATE ${connection.schema}.host SET seen_ms = seen_ms - ${ms} WHERE id = $1`, [id])

  it('are known to each other, with the one that leads', async () => {
    await register().seen(note('web-2'))
    await connection.rows(`UPDATE ${connection.schema}.leader SET token = 't', host = 'web-2', term = 4`)
    const { hosts, leader, skewMs } = await register().seen(note('web-1'))
    assert.deepEqual(
      hosts.map(({ name, version, config }) => ({ name, version, config })),
      [
        { name: 'web-1', version: '1.0.0', config: 'config of web-1' },
        { name: 'web-2', version: '1.0.0', config: 'config of web-2' },
      ],
    )
    assert.equal(leader, 'web-2')
    assert.ok(Math.abs(skewMs) < 1000)
    const stats = await readerOf(connection, { home: '', host: 'web-1' }).stats({ ms: 0, monoMs: 0 }, PACE)
    assert.deepEqual(stats.leader, { term: 4, host: 'web-2' })
    assert.equal(stats.hosts?.length, 2)
  })

  it('are forgotten a day after they were seen last, or when they end in good order', async () => {
    for (const name of ['old', 'young', 'stopped']) await register().seen(note(name))
    await backdate('old', DAY_MS + 1)
    await backdate('young', DAY_MS - 60_000)
    await register().gone('stopped')
    const { hosts } = await register().seen(note('web-1'))
    assert.deepEqual(
      hosts.map(({ name }) => name),
      ['web-1', 'young'],
    )
  })

  it('have one row once they have started again, and two while two have the same name', async () => {
    await register().seen(note('web-1', 'killed'))
    const ids = async (id: string) =>
      (await register().seen(note('web-1', id))).hosts.map(host => host.id).toSorted()
    assert.deepEqual(await ids('started'), ['killed', 'started'])
    await backdate('killed', 61_000)
    assert.deepEqual(await ids('started'), ['started'])
  })

  it('have counts of their own, and those of hosts that are gone for a day stay in the sums', async () => {
    const counted = (value: number): Counted => ({
      sums: [{ name: COUNTED.inspected, labels: {}, value }],
      hits: [{ rule: 'virus', hits: value, lastMs: value }],
      decisions: [],
      reloads: [],
      onlyRecipients: [],
    })
    for (const [host, value] of [
      ['web-1', 1],
      ['gone', 10],
      ['went', 100],
    ] as const)
      await counterStoreOf(connection, host).add(counted(value))
    await connection.rows(
      `UPDATE ${connection.schema}.reload SET counted_ms = counted_ms - ${DAY_MS + 1} WHERE host <> 'web-1'`,
    )
    for (let times = 0; times < 2; times++) await register().tidy('1.0.0')
    const reader = readerOf(connection, { home: '', host: 'web-1' })
    assert.deepEqual(await reader.sums(), [{ name: COUNTED.inspected, labels: {}, value: 111 }])
    assert.deepEqual(await reader.sums({ ofThisHost: true }), [
      { name: COUNTED.inspected, labels: {}, value: 1 },
    ])
    assert.deepEqual(await reader.ruleHits(), [{ rule: 'virus', hits: 111, lastMs: 100 }])
    const rows = await connection.rows(`SELECT host FROM ${connection.schema}.counter ORDER BY 1`)
    assert.deepEqual(rows, [{ host: '' }, { host: 'web-1' }])
  })

  describe('of two versions', () => {
    const functionNames = async () => {
      const rows = await connection.rows(
        'SELECT proname FROM pg_proc WHERE pronamespace = to_regnamespace($1)',
        [queue.target.schema],
      )
      return rows.map(({ proname }) => String(proname))
    }

    beforeEach(async () => {
      const { schema } = connection
      // what an earlier version had, what a later one brings, and what isn't the product's
      for (const name of ['see_host_0', 'see_host_2', 'own_function', 'unknown_1'])
        await connection.rows(
          `CREATE FUNCTION ${schema}.${name}(args jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT args'`,
        )
    })

    it('keep the functions of both for a day', async () => {
      await register().seen(note('old', 'old', '0.9.0'))
      await register().tidy('1.0.0')
      assert.ok((await functionNames()).includes('see_host_0'))
    })

    it('drop only the older form of a function when all have the same version', async () => {
      await register().seen(note('web-1'))
      await register().tidy('1.0.0')
      const left = await functionNames()
      assert.ok(!left.includes('see_host_0'))
      const named = SCHEMA_FUNCTIONS.map(one => one.name)
      const hasNewer = (name: string) =>
        named.includes(name.replace(/\d+$/, form => String(Number(form) + 1)))
      for (const name of ['see_host_2', 'own_function', 'unknown_1', ...named])
        assert.equal(left.includes(name), !hasNewer(name), name)
    })
  })
})

// `check --online` and the database of a queue that several hosts share.

import assert from 'node:assert/strict'
import { Client } from 'pg'
import { askDatabase, verdictsOf } from '../../src/cli/online/database'
import { seenRegions } from '../../src/cli/online/regions'
import { settingsOf } from '../../src/cli/queue/queue-context'
import type { DatabaseFacts } from '../../src/queue/database-facts'
import { examineDatabase, prepareQueue } from '../../src/queue/open'
import { targetFor } from '../../src/queue/target'
import { type PostgresServer, startServer } from '../postgres/server'
import { harakaDirectory, removeDirectories } from './support'

const SETTINGS = { schema: 'ses_bounce', connections: 2, migrates: 'boot', workers: 4 } as const
const FACTS: DatabaseFacts = {
  product: 'PostgreSQL 17.2',
  isAurora: false,
  isRds: false,
  login: 'bounces',
  tls: 'TLSv1.3',
  roundTripMs: 1.44,
  skewMs: 30,
  synchronousCommit: 'on',
  standbys: ['quorum', 'async'],
  mostConnections: 97,
  longestTransactionS: 12,
  pooler: 'none',
  canCreate: true,
  schema: { version: 5, forbidden: [], hosts: 3 },
}

describe('the database, as check --online judges it', () => {
  const verdicts = (
    changes: Partial<DatabaseFacts>,
    settings: Partial<Parameters<typeof verdictsOf>[2]> = {},
  ) =>
    verdictsOf({ ...FACTS, ...changes }, 'db:5432/mail', { ...SETTINGS, ...settings })
      .filter(({ result }) => result !== 'fine')
      .map(({ result, message }) => `${result}: ${message.replace('db:5432/mail: ', '')}`)

  it('is fine with all that the queue needs, and says what was seen', () => {
    const answers = verdictsOf(FACTS, 'db:5432/mail', SETTINGS)
    assert.ok(answers.every(({ result }) => result === 'fine'))
    assert.deepEqual(
      answers.map(({ message }) => message.replace('db:5432/mail: ', '')),
      [
        'PostgreSQL 17.2, as "bounces", TLSv1.3',
        'a round trip takes 1.4 ms',
        'the schema ses_bounce is of version 5',
        'a bounce can be added; it was rolled back',
        "this host's clock agrees with the database's",
        'a standby has each commit before it is answered',
        '3 hosts like this take up to 72 connections, and the server has 97',
      ],
    )
  })

  for (const [title, changes, expected] of [
    [
      'warns of a round trip above 20 ms',
      { roundTripMs: 25.3 },
      'warning: a round trip takes 25.3 ms: a mail that is bounced waits for two; a database in the same region takes 1 or 2',
    ],
    [
      "warns of a clock that isn't the database's",
      { skewMs: -3_600_000 },
      "warning: this host's clock is 1h behind the database's, which counts; set it by NTP",
    ],
    [
      'warns where all standbys are asynchronous',
      { standbys: ['async', 'potential'] },
      "warning: all standbys are asynchronous: if one of them takes over, answered bounces are lost; set synchronous_standby_names = 'ANY 1 (...)'",
    ],
    [
      'says that it may not see the standbys',
      { standbys: [null] },
      'unestablished: whether the standbys are synchronous could not be established: GRANT pg_monitor lets this login see it',
    ],
    [
      'says that a failover of RDS could not be established',
      { isRds: true, standbys: [] },
      'unestablished: whether another server takes over without a loss could not be established on RDS: Multi-AZ does, a read replica that is promoted does not',
    ],
    ['is content with Aurora', { isAurora: true, isRds: true, standbys: ['async'] }, undefined],
    [
      'warns where the hosts need more connections than the server has',
      { mostConnections: 50 },
      'warning: 3 hosts like this take up to 72 connections, and the server has 50: raise max_connections, or put a pooler in transaction mode between',
    ],
    ['counts no connections behind a pooler', { mostConnections: 5, pooler: 'transaction' }, undefined],
    [
      'asks for the mode of what is between',
      { pooler: 'unknown' },
      'unestablished: something is between this host and the server, a pooler or a gateway; whether a pooler is in transaction mode, as it must be, could not be established',
    ],
    [
      'warns of a transaction that is older than an hour',
      { longestTransactionS: 7200 },
      'warning: a transaction has been open for 2h: deleted rows stay, and the queue becomes slow; pg_stat_activity shows it',
    ],
    [
      'names the tables and functions that the login may not use',
      { schema: { version: 5, hosts: 1, forbidden: ['a', 'b', 'c', 'd()', 'e()', 'f()'] } },
      'error: "bounces" may not use a, b, c, d(), e() and 1 more: see docs/several-hosts.md for the rights it needs',
    ],
    [
      'warns where the next version could not change the tables',
      { canCreate: false },
      'warning: "bounces" may not change the tables, so that the next version can\'t: GRANT CREATE ON SCHEMA ses_bounce TO bounces, or migrate = by hand',
    ],
    [
      'says why no bounce can be added',
      { schema: { version: 5, hosts: 1, forbidden: [], addFault: 'no room' } },
      "error: a bounce can't be added: no room",
    ],
  ] as const satisfies readonly (readonly [string, Partial<DatabaseFacts>, string | undefined])[])
    it(title, () =>
      assert.deepEqual(verdicts(changes as Partial<DatabaseFacts>), expected === undefined ? [] : [expected]),
    )

  describe('without tables of this version', () => {
    const { schema: _schema, ...without } = { ...FACTS, schemaFault: 'the schema is of version 3' }
    const answers = (canCreate: boolean, migrates: 'boot' | 'by hand') =>
      verdictsOf({ ...without, canCreate }, 'db', { ...SETTINGS, migrates })
        .map(({ result, message }) => `${result}: ${message}`)
        .filter(text => /tables|version/.test(text))

    it('is fine if Haraka will make them, and an error if it may not, or if that is done by hand', () => {
      assert.match(
        answers(true, 'boot').join(),
        /^fine: .*Haraka makes them when it starts \(migrate = boot\)$/,
      )
      assert.match(
        answers(false, 'boot').join(),
        /^error: .*may not make them: GRANT CREATE ON SCHEMA ses_bounce/,
      )
      assert.deepEqual(answers(true, 'by hand'), ['error: db: the schema is of version 3'])
    })
  })
})

describe('check --online with a PostgreSQL server', () => {
  let server: PostgresServer

  before(async () => {
    server = await startServer()
  })
  after(async () => {
    removeDirectories()
    await server.stop()
  })

  async function ask(login = 'bounces', schema = 'ses_bounce', more = '') {
    const dir = harakaDirectory({
      'ses-bounce.ini': `[relay]\ntrusted = 192.0.2.1\n[queue]\nstore = postgres\nurl = postgres://${login}@127.0.0.1:${server.port}/mail\nschema = ${schema}\n${more}`,
    })
    const { queue } = settingsOf(dir, {})
    const target = targetFor(queue, dir)
    return { target, answers: await askDatabase(target, queue, 1) }
  }
  const wrong = ({ answers }: Awaited<ReturnType<typeof ask>>) =>
    answers.filter(({ result }) => result !== 'fine').map(({ result, message }) => `${result}: ${message}`)

  it('finds nothing wrong before and after the tables are made, and leaves no job', async () => {
    const before = await ask()
    assert.deepEqual(wrong(before), [])
    await prepareQueue(before.target)
    const after = await ask()
    assert.deepEqual(wrong(after), [])
    assert.match(
      after.answers.map(({ message }) => message).join('\n'),
      /a bounce can be added; it was rolled back/,
    )
    const rows = await server.query('SELECT count(*)::int AS n FROM ses_bounce.job', [], 'mail')
    assert.deepEqual(rows, [{ n: 0 }])
  })

  it('says of a missing schema and of a refused login nothing twice, as of the regions in the queue', async () => {
    for (const [login, schema] of [
      ['bounces', 'not_made_yet'],
      ['nobody-of-that-name', 'ses_bounce'],
    ] as const)
      assert.deepEqual(await seenRegions((await ask(login, schema)).target), { regions: [] })
  })

  it('finds what a login without rights may not do', async () => {
    await server.query('CREATE ROLE reader LOGIN')
    await server.query(
      'GRANT USAGE ON SCHEMA ses_bounce TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA ses_bounce TO reader',
      [],
      'mail',
    )
    const found = wrong(await ask('reader')).join('\n')
    assert.match(found, /error: .*"reader" may not use activity, answer, .* and \d+ more/)
    assert.match(found, /warning: .*"reader" may not change the tables/)
    assert.match(found, /error: .*a bounce can't be added: .*permission denied/)
  })

  it('needs no more than the rights that docs/several-hosts.md names, where the tables are made by hand', async () => {
    await server.query('CREATE ROLE plain LOGIN')
    await server.query(
      `GRANT USAGE ON SCHEMA ses_bounce TO plain;
       GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ses_bounce TO plain;
       GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ses_bounce TO plain`,
      [],
      'mail',
    )
    const found = await ask('plain', 'ses_bounce', 'migrate = by hand\n')
    assert.deepEqual(wrong(found), [])
    await prepareQueue(found.target)
  })

  it('says that nothing answers there, in the words of the log', async () => {
    const [only, ...more] = wrong(await ask('nobody-of-that-name'))
    assert.match(
      only ?? '',
      /^error: 127\.0\.0\.1:\d+\/mail: the database refuses the login of "nobody-of-that-name"/,
    )
    assert.deepEqual(more, [])
  })

  it('finds a transaction that has been open for long, as far as the login may see it', async () => {
    const client = new Client({ host: '127.0.0.1', port: server.port, user: 'bounces', database: 'mail' })
    await client.connect()
    await client.query('BEGIN')
    try {
      const { target } = await ask()
      const facts = await examineDatabase(target)
      assert.ok((facts?.longestTransactionS ?? 0) > 0)
      assert.equal(facts?.pooler, 'none')
    } finally {
      await client.end()
    }
  })
})

// `ses-bounce queue` over a queue in PostgreSQL, which several hosts share.

import assert from 'node:assert/strict'
import path from 'node:path'
import { watchHosts } from '../../src/app/host-watch'
import { main } from '../../src/cli/main'
import { hostLines } from '../../src/cli/queue/hosts-text'
import { openHostRegister } from '../../src/queue/open'
import type { HostStats, QueueStats } from '../../src/queue/stats'
import { type FreshSchema, freshSchema } from '../postgres/shared'
import { JOBS, makeStoredFile } from '../queue/sqlite/stored-file'
import { emptyDirectory, harakaDirectory, type Ran, ran, removeDirectories } from './support'

describe('ses-bounce queue in PostgreSQL', () => {
  let fresh: FreshSchema
  let dir: string

  const directory = (more = '') =>
    harakaDirectory({
      'ses-bounce.ini': `[relay]\ntrusted = 192.0.2.1\n[queue]\nstore = postgres\nurl = ${fresh.url}\nschema = ${fresh.schema}\nhost = web-1\n${more}`,
    })

  before(async () => {
    fresh = await freshSchema()
    dir = directory()
  })
  after(async () => {
    removeDirectories()
    await fresh.remove()
  })

  const run = (...args: string[]): Promise<Ran> => ran(out => main(['queue', ...args, '--dir', dir], out))

  it('says what to run while there are no tables, and makes them by queue migrate', async () => {
    const before = await run('stats')
    assert.equal(before.code, 1)
    assert.match(
      before.errors.join(),
      /there is no schema "\w+" with a queue: run .*ses-bounce queue migrate/,
    )
    const migrated = await run('migrate')
    assert.equal(migrated.code, 0)
    assert.match(migrated.lines.join(), new RegExp(`the schema ${fresh.schema} is what this version needs`))
    const again = await run('migrate', '--json')
    assert.equal((JSON.parse(again.lines.join()) as { migrated: boolean }).migrated, true)
    assert.equal((await run('stats')).code, 0)
  })

  it('shows the hosts that are there, and that none leads', async () => {
    const { url, schema } = fresh
    const { hostname: host, port, username: user, pathname } = new URL(url)
    const place = { host, port: Number(port), user, database: pathname.slice(1), schema, connections: 1 }
    let isTold: () => void = () => undefined
    const told = new Promise<void>(resolve => {
      isTold = resolve
    })
    const watch = watchHosts({
      open: async () => {
        const target = {
          ...place,
          store: 'postgres',
          timeoutMs: 2000,
          migrates: 'boot',
          hostName: 'web-7',
        } as const
        const register = await openHostRegister(target)
        assert.ok(register)
        const seen = async (...note: Parameters<typeof register.seen>) => {
          const all = await register.seen(...note)
          isTold()
          return all
        }
        return { ...register, seen }
      },
      name: 'web-7',
      version: '9.9.9',
      config: () => 'abcdef012345',
      log: () => undefined,
      monoMs: () => performance.now(),
    })
    try {
      await told
      const { lines } = await run('hosts')
      assert.match(
        lines[0] ?? '',
        /^web-7 {2}stands by, last seen \d+s ago, version 9\.9\.9, configuration abcdef012345, up for /,
      )
      assert.equal(lines[1], 'No host leads: nothing is sent.')
      const { hosts } = JSON.parse((await run('hosts', '--json')).lines.join()) as {
        hosts: Record<string, unknown>[]
      }
      assert.equal(hosts[0]?.['name'], 'web-7')
      assert.equal(hosts[0]?.['is_present'], true)
      assert.ok((await run('stats')).lines.includes('No host leads; also here: web-7.'))
    } finally {
      await watch.stop()
    }
    assert.deepEqual((await run('hosts')).lines, ['No host leads: nothing is sent.'])
  })

  it('moves a queue file into the database, as often as one likes', async () => {
    const file = path.join(emptyDirectory(), 'queue.sqlite')
    makeStoredFile(file)
    const jobs = JOBS.length + 1
    assert.deepEqual((await run('move', '--from', file)).lines, [
      `Moved ${jobs} jobs. The file stays as it is: move it away.`,
    ])
    const again = await run('move', '--json', '--from', file)
    assert.deepEqual(JSON.parse(again.lines.join()), { moved: 0, known: jobs, others: [] })
    // below the heads of the columns
    assert.equal((await run('list')).lines.slice(1).length, jobs)
    assert.match((await run('show', 'job3')).lines.join('\n'), /job3: queued/)
  })

  it('changes a job by hand, once', async () => {
    const held = await run('hold', 'job3')
    assert.deepEqual(held.lines, ['job3: held, it was queued'])
    const again = await run('hold', 'job3', 'none')
    assert.equal(again.code, 1)
    assert.deepEqual(again.lines, [
      'job3: not changed: it is held already',
      'none: not changed: there is no such job',
    ])
  })

  it('moves nothing where the queue is a file itself, or where there is none', async () => {
    const sqlite = harakaDirectory({ 'ses-bounce.ini': '[relay]\ntrusted = 192.0.2.1\n' })
    const file = path.join(emptyDirectory(), 'queue.sqlite')
    makeStoredFile(file)
    const refused = await ran(out => main(['queue', 'move', '--from', file, '--dir', sqlite], out))
    assert.equal(refused.code, 1)
    assert.match(refused.errors.join(), /set \[queue\] store = postgres/)
    const missing = await run('move', '--from', `${file}-not`)
    assert.equal(missing.code, 1)
    assert.match(missing.errors.join(), /there is no such queue file/)
    const { lines } = await ran(out => main(['queue', 'hosts', '--dir', sqlite], out))
    assert.match(
      lines.join() + (await ran(out => main(['queue', 'migrate', '--dir', sqlite], out))).lines.join(),
      /Nothing to do: the queue is a file/,
    )
  })
})

describe('the hosts of a queue', () => {
  const host = (name: string, changes: Partial<HostStats> = {}): HostStats => ({
    id: name,
    name,
    version: '1.0.0',
    config: '111',
    startedMs: 0,
    seenMs: 0,
    silentMs: 3000,
    skewMs: 5,
    ...changes,
  })
  const lines = (found: Pick<QueueStats, 'hosts' | 'leader'>) => hostLines(found as QueueStats, 7_200_000)

  it('are shown with what is odd about them, those that are gone last', () => {
    assert.deepEqual(
      lines({
        leader: { term: 42, host: 'web-2' },
        hosts: [
          host('a', { silentMs: 3_600_000 }),
          host('web-1', { config: '222', skewMs: 3_600_000 }),
          host('web-2', { skewMs: -4000 }),
          host('web-3', { version: '1.1.0' }),
          host('web-4', { silentMs: 32_000 }),
        ],
      }),
      [
        "web-1  stands by, last seen 3s ago, version 1.0.0, configuration 222, another than the leader has, its clock is 1h ahead of the queue's, up for 2h",
        "web-2  leads, term 42, last seen 3s ago, version 1.0.0, configuration 111, its clock is 4s behind the queue's, up for 2h",
        'web-3  stands by, last seen 3s ago, version 1.1.0, configuration 111, up for 2h',
        'web-4  silent, last seen 32s ago, version 1.0.0, configuration 111, up for 2h',
        'a      gone for 1h, version 1.0.0, configuration 111',
      ],
    )
  })

  it('may have a leader that has not told of itself', () => {
    assert.deepEqual(lines({ leader: { term: 1, host: 'web-9' }, hosts: [] }), [
      "web-9 leads, term 1, and hasn't told of itself.",
    ])
  })
})

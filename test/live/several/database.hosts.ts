// Faults of the database itself: restarted, full, without rights, with another password, and failing over to a
// standby while the old one lives on.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { DATABASE, LOGIN, type PostgresServer, startServer } from '../../postgres/server'
import { promote, startStandby } from '../../postgres/standby'
import { fill, withTinyDisk } from '../support/disk'
import { leaderOf } from './audit'
import type { Harm } from './history'
import { SCHEMA } from './hosts'
import { ALL_HOSTS, Several } from './several'

const AWAY_MS = 5000
/** The size of the tmpfs: for the programs, and for the database as it is made. */
const DISK_KB = 160_000

async function harm(what: string, work: () => Promise<void>): Promise<Harm> {
  const fromMs = Date.now()
  await work()
  return { what, fromMs, toMs: Date.now() }
}

describe('several hosts whose database', function () {
  let several: Several
  let folder: string
  let passwordFile: string
  let disk: string | undefined
  let leaveDisk: () => void = () => undefined
  let unmounted: Promise<unknown>

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'several-'))
    passwordFile = path.join(folder, 'password')
    writeFileSync(passwordFile, 'first')
    disk = await tinyDisk()
    const server = await startServer({
      logins: ['host all postgres 127.0.0.0/8 trust', `host all ${LOGIN} 127.0.0.0/8 scram-sha-256`],
      ...(disk !== undefined && { parent: disk }),
    })
    await server.query(`ALTER ROLE ${LOGIN} PASSWORD 'first'`)
    several = await Several.begin({ server, passwordFile })
  })
  after(async () => {
    await several.end()
    leaveDisk()
    await unmounted
    rmSync(folder, { recursive: true, force: true })
  })

  /** Undefined: none can be mounted here. */
  function tinyDisk(): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
      const over = new Promise<void>(left => {
        leaveDisk = left
      })
      unmounted = withTinyDisk(DISK_KB, async dir => {
        resolve(dir)
        await over
      }).then(({ outcome }) => outcome === 'skipped' && resolve(undefined), reject)
    })
  }

  for (const how of ['fast', 'immediate'] as const) {
    it(`is restarted (${how}) lose nothing and keep the pace`, async () => {
      const faults = await several.during(() => harm(`restart ${how}`, () => several.server.restart(how)))
      assert.deepEqual(faults, [])
    })
  }

  it('takes their rights away for a while lose nothing, and go on once they have them again', async () => {
    const { server } = several
    const all = `ALL TABLES IN SCHEMA ${SCHEMA}`
    const faults = await several.during(() =>
      harm('no rights', async () => {
        await server.query(`REVOKE ALL ON ${all} FROM ${LOGIN}`, [], DATABASE)
        await pause(AWAY_MS)
        await server.query(`GRANT ALL ON ${all} TO ${LOGIN}`, [], DATABASE)
      }),
    )
    assert.deepEqual(faults, [])
  })

  it('has another password all at once lose nothing, and go on once the file has it', async () => {
    const { server } = several
    const faults = await several.during(() =>
      harm('another password', async () => {
        await server.query(`ALTER ROLE ${LOGIN} PASSWORD 'second'`)
        await server.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [
          LOGIN,
        ])
        await pause(AWAY_MS)
        writeFileSync(passwordFile, 'second')
      }),
    )
    assert.deepEqual(faults, [])
  })

  it('has no room on its disk lose nothing, and go on once there is some', async function () {
    if (disk === undefined) {
      console.log('    skipped: no disk of its own can be mounted here')
      this.skip()
    }
    const ballast = path.join(disk, 'ballast')
    const { server } = several
    const faults = await several.during(() =>
      harm('full disk', async () => {
        fill(ballast)
        await pause(AWAY_MS)
        unlinkSync(ballast)
        // PostgreSQL ends where it can't write its log
        if (!server.isRunning) await server.start()
      }),
    )
    assert.deepEqual(faults, [])
  })

  it('had all that happen to it have made every bounce in the end', async () => {
    assert.deepEqual(await several.finish(), [])
  })
})

describe('several hosts on a database with a synchronous standby', function () {
  let several: Several
  let standby: PostgresServer
  let old: PostgresServer

  before(async () => {
    old = await startServer({ logins: ALL_HOSTS })
    standby = await startStandby(old, { name: 'second', isSynchronous: true })
    several = await Several.begin({ server: old })
  })
  after(async () => {
    await several.end()
    await old.remove()
    await standby.remove()
  })

  it('answer no mail and make no call while it is gone, and lose nothing', async () => {
    let gone = { fromMs: 0, toMs: 0 }
    const faults = await several.during(() =>
      harm('no standby', async () => {
        await standby.kill()
        // what was on its way when the standby went is over by then
        await pause(1000)
        const fromMs = Date.now()
        await pause(AWAY_MS)
        gone = { fromMs, toMs: Date.now() }
        await standby.start()
      }),
    )
    assert.deepEqual(faults, [])
    const isMeanwhile = (ms: number) => ms > gone.fromMs && ms < gone.toMs
    const { mails, jobs, calls } = await several.history()
    // a mail beyond the cap adds nothing, and needs no commit
    const added = mails.filter(({ sesId }) => jobs.some(job => job.sesId === sesId))
    const accepted = added
      .flatMap(({ told }) => told)
      .filter(({ reply, atMs }) => isMeanwhile(atMs) && reply?.startsWith('2'))
    assert.deepEqual(accepted, [])
    assert.deepEqual(
      calls.filter(({ wallMs }) => isMeanwhile(wallMs)),
      [],
    )
  })

  it('lose no answered mail, and make none of their calls twice, when it is promoted and the old one lives on', async () => {
    const faults = await several.during(() =>
      harm('promoted', async () => {
        const leader = await leaderOf(old)
        await promote(standby)
        // the leader's host is the last to learn of it
        for (const { name, proxy } of several.hosts) {
          proxy.retarget(standby.port)
          if (name !== leader) proxy.drop()
        }
        await pause(2 * AWAY_MS)
        for (const { proxy } of several.hosts) proxy.drop()
        several.server = standby
      }),
    )
    assert.deepEqual(faults, [])
    assert.deepEqual(await several.finish(), [])
  })
})

// Closing any descriptor of a file drops all locks that the process holds on it (fcntl(2)), SQLite's too. Another process
// may then cut the shared memory that this one has mapped, which ends it with SIGBUS (sqlite.org/howtocorrupt.html 2.2).

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import type { SesEmulator } from '../../src/ses-emulator/options'
import { startSesEmulator } from '../../src/ses-emulator/server'
import { sesBounce } from './support/command'
import { locksOn } from './support/file-locks'
import { bounceOf, relay, startFlow } from './support/flow'
import { askHttp, TOKEN, webServers } from './support/http'
import { freePort } from './support/ports'
import { BOUNCE_ALL, iniText, type Product } from './support/product'
import { change, linesFromAll, write } from './support/reload'
import { until } from './support/wait'

/** unixDeadManSwitch of SQLite's os_unix.c: held on the -shm file as long as it is mapped. */
const DEAD_MAN_SWITCH = 128
/** SHARED_FIRST of SQLite's os.h, PENDING_BYTE + 2: held on the database in WAL mode. */
const SHARED_FIRST = 0x40000000 + 2

describe("SQLite's locks on the queue file", function () {
  let product: Product
  let ses: SesEmulator
  before(async function () {
    if (!existsSync('/proc/locks')) return this.skip()
    ses = await startSesEmulator({ messages: 'any', intervalMs: 0 })
  })
  afterEach(() => product?.stop())
  after(() => ses?.close())

  /**
   * In each process that has the queue file open; there is one at least. A process that opens or closes the file at this
   * moment may have mapped it without a lock: a lock that is lost stays lost.
   */
  async function assertHeld(): Promise<void> {
    await until(() => lost().length === 0, { what: 'the locks in every process' }).catch(() => undefined)
    assert.deepEqual(lost(), [])
  }

  function lost(): string[] {
    const shm = `${product.queueFile}-shm`
    const pids = product.haraka
      .family()
      .map(({ pid }) => pid)
      .filter(pid => mapsOf(pid).includes(shm))
    if (pids.length === 0) return ['no process has the queue file open']
    return pids.flatMap(pid => [
      ...(locksOn(shm, pid).some(({ firstByte }) => firstByte === DEAD_MAN_SWITCH)
        ? []
        : [`${pid} has lost its lock on the shared memory`]),
      ...(locksOn(product.queueFile, pid).some(({ firstByte }) => firstByte === SHARED_FIRST)
        ? []
        : [`${pid} has lost its lock on the queue file`]),
    ])
  }

  it('are held in every process through mail, reloads, views and commands', async () => {
    const port = await freePort()
    product = await startFlow({
      localSes: ses,
      ini: { http: { token: TOKEN } },
      files: { 'config/http.ini': `listen = 127.0.0.1:${port}\n` },
      haraka: { nodes: 2 },
    })
    await webServers(product.haraka, 2)
    const mails = [(await relay(product)).mail, (await relay(product)).mail]
    for (const mail of mails) await bounceOf(product, mail)
    assert.equal((await askHttp(port, '/')).status, 200)
    await assertHeld()
    await change(product, 'ses-bounce-rules.ini', `${BOUNCE_ALL}# changed\n`)
    for (const words of [['check'], ['queue', 'stats'], ['quarantine', 'list']])
      await sesBounce(product, ...words)
    await relay(product)
    await assertHeld()
  })

  it('are held by a process that views the queue while the plugin is idle, when its relays are set', async () => {
    product = await startFlow({ localSes: ses })
    await bounceOf(product, (await relay(product)).mail)
    const { dir } = product.haraka
    await product.haraka.stop()
    const port = await freePort()
    const idle = { http: { token: TOKEN }, relay: { trusted: '' } }
    product = await startFlow({
      ini: idle,
      localSes: ses,
      files: { 'config/http.ini': `listen = 127.0.0.1:${port}\n` },
      haraka: { dir, nodes: 0 },
    })
    await webServers(product.haraka, 1)
    assert.equal((await askHttp(port, '/')).status, 200)
    await assertHeld()
    const since = product.haraka.log().length
    write(product, 'ses-bounce.ini', iniText({ http: { token: TOKEN } }, ses.url))
    await linesFromAll(product, /configuration reloaded: .*ses-bounce\.ini/, since, 1)
    await until(() => product.haraka.family().length > 1, { what: 'the dispatcher' })
    await assertHeld()
  })
})

/** Empty: the process has ended meanwhile. */
function mapsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/maps`, 'utf8')
  } catch {
    return ''
  }
}

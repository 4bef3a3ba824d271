import assert from 'node:assert/strict'
import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once as nextEvent } from 'node:events'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { MAILS } from '../../demo/mails'
import { atEnd } from './support/cleanup'
import { checkout } from './support/directory'
import { listenedOn } from './support/listeners'
import { LogLines } from './support/log'
import { builtFile } from './support/package-folder'
import { killIfAlive, processesWithEnv } from './support/processes'
import { until } from './support/wait'

describe('npm start', function () {
  let taken: Server[]
  /** Bounces take their seconds while the other tests run. */
  let once: Demo
  let stays: Demo
  before(async () => {
    taken = await Promise.all(USUAL_PORTS.map(takePort))
    once = startDemo(['--once'])
    stays = startDemo([])
  })
  after(() => {
    for (const server of taken) server.close()
  })

  it('reports that Haraka has died, and ends with 1', async () => {
    const demo = startDemo([])
    await demo.log.wait('The queue empties')
    killIfAlive(masterOf(demo), 'SIGKILL')
    assert.equal(await demo.code, 1, demo.log.tail())
    assert.ok(demo.log.lines.some(line => line.startsWith('Haraka ended by itself, with SIGKILL')))
    await assertGone(demo)
  })

  it('ends Haraka too when it is killed', async () => {
    const demo = startDemo([])
    await demo.log.wait('The queue empties')
    demo.child.kill('SIGKILL')
    await demo.code
    await until(() => demo.family().length === 0, { what: 'the end of what the demo had started' })
  })

  it('sends its samples once, each with its outcome, and leaves nothing behind', async () => {
    assert.equal(await once.code, 0, once.log.tail())
    const { lines } = once.log
    assert.doesNotMatch(lines[0] ?? '', /:2525 /)
    const rows = lines.slice(lines.indexOf('The outcome of each')).filter(line => /^ *\d+ {2}/.test(line))
    const mails = lines.filter(line => /^ *\d+ {2}.* (250|450|550) /.test(line))
    assert.ok(rows.length >= 20, once.log.tail())
    assert.equal(rows.length, mails.length)
    assert.deepEqual(
      rows.filter(row => !row.endsWith(' ok')),
      [],
    )
    assert.ok(lines.some(line => line.startsWith(`All ${rows.length} mails as expected.`)))
    assert.ok(
      lines.includes('     the sender reads: smtp; 550 5.7.1 Documents with macros are not accepted here'),
      'the words of the plugin that refused the mail',
    )
    assert.ok(!lines.some(line => line.includes('\u001B')), 'escape sequences without a terminal')
    const told = lines.findIndex(line => PAGE_LINE.test(line))
    const handed = lines.findIndex(line => line.includes('mails, sent as by a relay'))
    assert.ok(told > 0 && told < handed, lines.slice(0, 10).join('\n'))
    await assertGone(once)
  })

  it('shows its samples on its status page, and their addresses only with the token that it printed', async () => {
    await stays.log.wait('Ctrl-C ends')
    const { url, token } = await pageOf(stays)
    const text = await until(
      async () => {
        const page = await look(url, token)
        return page.includes(`sent ${sentBy(stays)} `) && / unknown-mailbox [1-9]/.test(page) && page
      },
      { what: 'the samples on the page' },
    )
    assert.ok(sentBy(stays) > 5, stays.log.tail())
    assert.ok(text.includes('info@example.com'), text)
    const open = await look(url)
    assert.ok(open.includes(`sent ${sentBy(stays)} `), open)
    assert.deepEqual(
      ADDRESSES.filter(address => open.includes(address)),
      [],
    )
  })

  it('listens on loopback only, and on no port that another has', async () => {
    const { url } = await pageOf(stays)
    const places = listenedOn(stays.family().map(({ pid }) => pid))
    for (const place of places) assert.match(place, /^127\.0\.0\.1:/)
    assert.ok(places.includes(new URL(url).host), `${url} is none of ${places.join(', ')}`)
    assert.ok(places.length >= 3, `SMTP, HTTP and the emulator, not ${places.join(', ')}`)
    for (const port of USUAL_PORTS) assert.ok(!places.includes(`127.0.0.1:${port}`))
  })

  it('stays up for mail, each time with a new id, until SIGINT ends it with 0', async () => {
    await stays.log.wait('Ctrl-C ends')
    const { url, token } = await pageOf(stays)
    const samples = sentBy(stays)
    const file = path.join(directoryOf(stays), 'try.eml')
    for (const count of [1, 2]) {
      const before = readFileSync(file, 'latin1')
      assert.match(await send(file), /^250 /)
      const told = () => stays.log.lines.filter(line => line.endsWith('nobody@example.com: SES: bounce sent'))
      await until(() => told().length === count, { what: `${count} bounces, as the demo shows them` })
      await until(() => readFileSync(file, 'latin1') !== before, { what: 'a new id' })
    }
    await until(async () => (await look(url, token)).includes(`sent ${samples + 2} `), {
      what: 'both bounces on the page',
    })
    const again = `Status page: ${url} with the token ${token}`
    assert.ok(stays.log.lines.includes(again), stays.log.tail())
    assert.ok(stays.family().length >= 4, 'the demo, Haraka, its worker and the dispatcher run')
    stays.child.kill('SIGINT')
    assert.equal(await stays.code, 0, stays.log.tail())
    await assertGone(stays)
    await assert.rejects(look(url, token), { message: 'fetch failed' })
  })
})

/** The ports that it prefers. */
const USUAL_PORTS = [2525, 8080]
const PAGE_LINE = /^Watch it in a browser: (http:\S+) with the token (\w+)$/
const ADDRESSES = [...new Set(MAILS.flatMap(({ from, to }) => [from, ...to]))].filter(text => text !== '')

/** Environment variable by which all that came of a demo is found. Its Haraka has a mark of its own as well. */
const DEMO_MARK = 'DEMO_TEST_START'

interface Demo {
  child: ChildProcessByStdio<null, Readable, Readable>
  log: LogLines
  code: Promise<number | null>
  /** All that came of it and lives, itself too. */
  family: () => { pid: number; parentPid: number; cmdline: string }[]
}

function startDemo(args: string[]): Demo {
  const mark = randomUUID()
  const main = builtFile('demo/main.js')
  const child = spawn(process.execPath, [main, ...args], {
    cwd: checkout,
    env: { ...process.env, [DEMO_MARK]: mark },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const log = new LogLines()
  log.follow(child.stdout)
  log.follow(child.stderr)
  const family = () => processesWithEnv(DEMO_MARK, mark)
  // also what outlived the demo, against its promise
  atEnd(() => {
    for (const { pid } of family()) killIfAlive(pid, 'SIGKILL')
    const dir = directoryIn(log)
    if (dir !== undefined) rmSync(dir, { recursive: true, force: true })
  })
  const code = nextEvent(child, 'close').then(([code]) => code as number | null)
  return { child, log, code, family }
}

/** Haraka's reply. */
async function send(file: string): Promise<string> {
  const program = builtFile('demo/send.js')
  const { stdout } = await promisify(execFile)(process.execPath, [program, file])
  return stdout
}

/** The page of the samples; the log names it only when it can be opened. */
async function pageOf({ log }: Demo): Promise<{ url: string; token: string }> {
  const [, url, token] = PAGE_LINE.exec(await log.wait(PAGE_LINE)) ?? []
  assert.ok(url && token, log.tail())
  return { url, token }
}

/** The text that people read there: words with one blank between them. */
async function look(url: string, token?: string): Promise<string> {
  const response = await fetch(
    url,
    token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } },
  )
  assert.equal(response.status, 200)
  return (await response.text()).replaceAll(/<[^>]*>|\s+/g, ' ').replaceAll(/ +/g, ' ')
}

/** Bounces of samples, as the demo shows the calls. */
function sentBy({ log }: Demo): number {
  return log.lines.filter(line => /^ *\d+ {2}.* s +sent$/.test(line)).length
}

/** By us now, or by another already. */
async function takePort(port: number): Promise<Server> {
  const server = createServer()
  await new Promise<void>(resolve => {
    server.once('error', () => resolve())
    server.listen(port, '127.0.0.1', resolve)
  })
  return server
}

function masterOf({ child, family }: Demo): number {
  const master = family().find(({ parentPid }) => parentPid === child.pid)
  assert.ok(master, 'Haraka is a child of the demo')
  return master.pid
}

function directoryOf({ log }: Demo): string {
  const dir = directoryIn(log)
  assert.ok(dir, log.tail())
  return dir
}

function directoryIn(log: LogLines): string | undefined {
  return /^Its directory is (.+)$/m.exec(log.lines.join('\n'))?.[1]
}

/** At once: the demo itself waits for the end of all that it started. */
async function assertGone(demo: Demo): Promise<void> {
  assert.deepEqual(demo.family(), [])
  assert.equal(existsSync(directoryOf(demo)), false)
}

import assert from 'node:assert/strict'
import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once as nextEvent } from 'node:events'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { atEnd } from './support/cleanup'
import { checkout } from './support/directory'
import { startMark } from './support/haraka'
import { LogLines } from './support/log'
import { killIfAlive, processesWithEnv } from './support/processes'
import { until } from './support/wait'

describe('npm start', function () {
  let taken: Server
  /** Bounces take their seconds while the other tests run. */
  let once: Demo
  let stays: Demo
  before(async () => {
    taken = await takeUsualPort()
    once = startDemo(['--once'])
    stays = startDemo([])
  })
  after(() => void taken.close())

  it('says so when Haraka dies by itself, and ends with 1', async () => {
    const demo = startDemo([])
    await demo.log.wait('The queue empties', { timeoutMs: 15_000 })
    killIfAlive(masterOf(demo), 'SIGKILL')
    assert.equal(await demo.code, 1, demo.log.tail())
    assert.ok(demo.log.lines.some(line => line.startsWith('Haraka ended by itself, with SIGKILL')))
    await assertGone(demo)
  })

  it('takes Haraka with it when it is killed', async () => {
    const demo = startDemo([])
    await demo.log.wait('The queue empties', { timeoutMs: 15_000 })
    demo.child.kill('SIGKILL')
    await demo.code
    await until(() => demo.family().length === 0, { what: 'the end of what the demo had started' })
  })

  it('plays its samples once, each with its outcome, and leaves nothing behind', async () => {
    assert.equal(await once.code, 0, once.log.tail())
    const { lines } = once.log
    assert.doesNotMatch(lines[0] ?? '', /:2525 /)
    const rows = lines.slice(lines.indexOf('What became of each')).filter(line => /^ *\d+ {2}/.test(line))
    const mails = lines.filter(line => /^ *\d+ {2}.* (250|450|550) /.test(line))
    assert.ok(rows.length >= 20, once.log.tail())
    assert.equal(rows.length, mails.length)
    assert.deepEqual(
      rows.filter(row => !row.endsWith(' ok')),
      [],
    )
    assert.ok(lines.some(line => line.startsWith(`All ${rows.length} mails as expected.`)))
    assert.ok(!lines.some(line => line.includes('\u001B')), 'escape sequences without a terminal')
    await assertGone(once)
  })

  it('stays up for mail, each time with a new id, until SIGINT ends it with 0', async () => {
    await stays.log.wait('Ctrl-C ends', { timeoutMs: 30_000 })
    const file = path.join(directoryOf(stays), 'try.eml')
    for (const count of [1, 2]) {
      const before = readFileSync(file, 'latin1')
      assert.match(await send(file), /^250 /)
      const told = () => stays.log.lines.filter(line => line.endsWith('nobody@example.com: SES: bounce sent'))
      await until(() => told().length === count, { what: `${count} bounces, as the demo shows them` })
      await until(() => readFileSync(file, 'latin1') !== before, { what: 'a new id' })
    }
    assert.ok(stays.family().length >= 4, 'the demo, Haraka, its worker and the dispatcher run')
    stays.child.kill('SIGINT')
    assert.equal(await stays.code, 0, stays.log.tail())
    await assertGone(stays)
  })
})

interface Demo {
  child: ChildProcessByStdio<null, Readable, Readable>
  log: LogLines
  code: Promise<number | null>
  /** All that came of it and lives, itself too. */
  family: () => { pid: number; parentPid: number; cmdline: string }[]
}

function startDemo(args: string[]): Demo {
  const mark = randomUUID()
  const main = path.join(checkout, 'dist/src/demo/main.js')
  const child = spawn(process.execPath, [main, ...args], {
    cwd: checkout,
    env: { ...process.env, [startMark]: mark },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const log = new LogLines()
  log.follow(child.stdout)
  log.follow(child.stderr)
  const family = () => processesWithEnv(startMark, mark)
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
  const program = path.join(checkout, 'dist/src/demo/send.js')
  const { stdout } = await promisify(execFile)(process.execPath, [program, file])
  return stdout
}

/** By us now, or by another already. */
async function takeUsualPort(): Promise<Server> {
  const server = createServer()
  await new Promise<void>(resolve => {
    server.once('error', () => resolve())
    server.listen(2525, '127.0.0.1', resolve)
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

// `ses-bounce dispatch`: a dispatcher without a Haraka takes over from one that ends, at the same pace, and ends when told.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { openOperatorQueue } from '../../src/queue/sqlite/open'
import { atEnd } from './support/cleanup'
import { sesBounce } from './support/command'
import { dispatcherPid } from './support/dispatcher'
import { emulatorEnv } from './support/haraka'
import { tooSoon } from './support/pace'
import { builtFile } from './support/package-folder'
import { type Product, startProduct } from './support/product'
import { until } from './support/wait'

const COMMAND = builtFile('src/cli/main.js')
const INTERVAL_MS = 300
const MAILS = 8
const TAKEN_OVER = 4

interface Alone {
  child: ChildProcess
  ended: Promise<unknown[]>
  /** Pieces of its log as they come: a piece need not be a whole line. */
  lines: string[]
  said: (what: string) => Promise<unknown>
}

describe('ses-bounce dispatch', function () {
  let product: Product
  let alone: ChildProcess | undefined
  before(async () => {
    product = await startProduct({
      ini: { limit: { interval: `${INTERVAL_MS}ms` } },
      // it may read a call late: what came too soon is found by the calls' times
      ses: { intervalMs: INTERVAL_MS / 2 },
      // the other dispatcher is to find this one at work
      haraka: { ready: 'dispatching' },
    })
    // else a dispatcher of the test's could lead first
    await product.haraka.waitForLog(/dispatching/)
  })
  after(async () => {
    alone?.kill('SIGKILL')
    await product.stop()
  })

  async function start(): Promise<Alone> {
    const lines: string[] = []
    const child = spawn(process.execPath, [COMMAND, 'dispatch', '--json', '--dir', product.haraka.dir], {
      env: emulatorEnv(),
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    child.stdout.setEncoding('utf8').on('data', (text: string) => lines.push(text))
    const said = (what: string) => until(() => lines.join('').includes(what), { what })
    alone = child
    atEnd(() => child.kill('SIGKILL'))
    await said('from this queue; waiting')
    return { child, ended: once(child, 'exit'), lines, said }
  }

  const allSent = (count: number) =>
    until(() => product.jobs({ state: 'sent' }).length === count, { what: `${count} bounces` })
  const assertPace = () => assert.deepEqual(tooSoon(product.ses.calls, INTERVAL_MS), [])

  it('continues the work of a Haraka whose dispatcher ends, and another one continues its work when it is killed', async () => {
    const { child, said } = await start()
    const { haraka } = product
    // so that it starts no other in its place
    haraka.kill(haraka.pid, 'SIGSTOP')
    haraka.kill(await dispatcherPid(product), 'SIGTERM')
    await said('dispatching')
    const since = haraka.log().length
    haraka.kill(haraka.pid, 'SIGCONT')
    await haraka.waitForLog(/from this queue; waiting/, { since })
    for (let n = 0; n < TAKEN_OVER; n++) assert.equal((await product.deliver()).reply.code, 250)
    child.kill('SIGKILL')
    await haraka.waitForLog(/dispatching/, { since })
    await allSent(TAKEN_OVER)
    const { length } = product.ses.calls
    assert.ok(length === TAKEN_OVER || length === TAKEN_OVER + 1, `${length} calls after one kill`)
    assertPace()
  })

  it('waits while a Haraka runs, sends its remaining jobs, and ends with 0', async () => {
    const { child, ended, lines } = await start()
    const from = product.ses.calls.length
    assert.equal((await product.deliver()).reply.code, 250)
    await allSent(TAKEN_OVER + 1)
    // however long mails and Haraka's end take, no call is made meanwhile
    const operator = openOperatorQueue(product.queueFile)
    operator.pause(undefined, Date.now())
    for (let n = 1; n < MAILS; n++) assert.equal((await product.deliver()).reply.code, 250)
    await product.haraka.stop()
    assert.equal(product.jobs({ state: 'queued' }).length, MAILS - 1)
    operator.resume(undefined)
    operator.close()
    await allSent(TAKEN_OVER + MAILS)
    const throttled = product.ses.calls.filter(({ outcome }) => outcome.status !== 200)
    assert.deepEqual([product.ses.calls.length - from, throttled], [MAILS, []])
    assertPace()
    child.kill('SIGTERM')
    assert.deepEqual(await ended, [0, null])
    for (const line of lines.join('').trim().split('\n'))
      assert.equal(typeof (JSON.parse(line) as { message: unknown }).message, 'string')
  })

  it('ends with 1 where its settings are wrong, and with 2 on wrong options', async () => {
    const dir = mkdtempSync(path.join(os.tmpdir(), 'ses-bounce-'))
    try {
      mkdirSync(path.join(dir, 'config'))
      writeFileSync(path.join(dir, 'config/ses-bounce.ini'), '[limit]\ninterval = soon\n')
      const unusable = await sesBounce({ haraka: product.haraka }, 'dispatch', '--dir', dir)
      assert.equal(unusable.code, 1)
      assert.match(unusable.errors.join('\n'), /ses-bounce\.ini:2: \[limit\] unknown value "soon"/)
      const wrong = await sesBounce({ haraka: product.haraka }, 'dispatch', '--what')
      assert.equal(wrong.code, 2)
    } finally {
      rmSync(dir, { recursive: true })
    }
  })
})

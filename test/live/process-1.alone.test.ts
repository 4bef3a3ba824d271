// Haraka and the dispatcher as process 1 of a container: a signal to end lets the call that is on its way finish, since
// everything dies with process 1. What was bounced isn't bounced again by the next start.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { startAgain } from './support/again'
import { atEnd } from './support/cleanup'
import { sesBounce } from './support/command'
import { emulatorEnv } from './support/haraka'
import { asProcess1, onlyChild, whyNoProcess1 } from './support/namespace'
import { builtFile } from './support/package-folder'
import { killIfAlive } from './support/processes'
import { type Product, type ProductOptions, startProduct } from './support/product'
import { until } from './support/wait'

const COMMAND = builtFile('src/cli/main.js')
/** A call of ours is on its way for so long that whatever doesn't wait is seen to end before. */
const LATENCY_MS = 2000
const TIMEOUT_MS = 4000
/** The time that the supervisor waits on top of the timeout. */
const GRACE_MS = 1000
/** A busy machine; without a wait Haraka ends within a tenth of a second. */
const GONE_MS = 15_000

describe('as process 1 of a container', function () {
  let product: Product
  const started: Product[] = []
  before(function () {
    const why = whyNoProcess1()
    if (why === undefined) return
    console.log(`    skipped: ${why}`)
    this.skip()
  })
  afterEach(async () => {
    // the first one has the emulator
    for (const one of started.splice(0).toReversed()) await one.stop()
  })

  const OPTIONS: ProductOptions = {
    ini: {
      limit: { interval: '50ms', slack: '0ms' },
      ses: { timeout: `${TIMEOUT_MS}ms` },
      queue: { retry: '50ms..1s' },
    },
    ses: { intervalMs: 0, latencyMs: LATENCY_MS },
  }

  async function start(haraka: ProductOptions['haraka']): Promise<void> {
    product = await startProduct({ ...OPTIONS, haraka: { isProcess1: true, ...haraka } })
    started.push(product)
  }
  async function again(haraka: ProductOptions['haraka']): Promise<void> {
    product = await startAgain(product, { ...OPTIONS, haraka: { isProcess1: true, ...haraka } })
    started.push(product)
  }
  const jobOf = (sesId: string) => product.jobs({ sesId })[0]
  const callsFor = (sesId: string) =>
    product.ses.calls.filter(({ params }) => params['OriginalMessageId'] === sesId).length

  /** A mail whose call SES has in hand. */
  async function onItsWay(): Promise<string> {
    const { reply, mail } = await product.deliver()
    assert.equal(reply.code, 250, reply.text)
    await until(() => callsFor(mail.sesId) === 1, { what: 'the call' })
    return mail.sesId
  }

  async function gone(): Promise<number> {
    const fromMs = performance.now()
    await until(() => product.haraka.hasExited && product.haraka.family().length === 0, {
      what: 'the end of Haraka',
    })
    return performance.now() - fromMs
  }

  /** Everything that is queued is sent after another start, and `sesId` was called as often as that. */
  async function assertCalls(sesId: string, count: number, haraka: ProductOptions['haraka']): Promise<void> {
    await again(haraka)
    const { mail } = await product.deliver()
    for (const id of [mail.sesId, sesId])
      await until(() => jobOf(id)?.state === 'sent', { what: `the bounce of ${id}` })
    assert.equal(callsFor(sesId), count)
  }

  for (const nodes of [0, 1]) {
    const form = nodes === 0 ? 'Haraka in one process' : 'Haraka with a worker'
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      it(`${form} ends at ${signal} when the call that is on its way is recorded, and never makes it again`, async () => {
        await start({ nodes })
        const sesId = await onItsWay()
        killIfAlive(product.haraka.pid, signal)
        await gone()
        assert.deepEqual(await product.haraka.exited, { code: 0, signal: null })
        assert.equal(jobOf(sesId)?.state, 'sent', product.haraka.logTail())
        await assertCalls(sesId, 1, { nodes })
      })
    }

    it(`${form} ends at once when a second signal comes`, async () => {
      await start({ nodes })
      const sesId = await onItsWay()
      const since = product.haraka.log().length
      killIfAlive(product.haraka.pid, 'SIGTERM')
      await product.haraka.waitForLog(/SIGTERM: the dispatcher finishes/, { since })
      killIfAlive(product.haraka.pid, 'SIGTERM')
      await gone()
      // its outcome isn't known: the call was cut
      assert.equal(jobOf(sesId)?.state, 'sending')
    })
  }

  it('Haraka waits for a silent SES no longer than the timeout, and the call counts as one of unknown outcome', async () => {
    await start({ nodes: 1 })
    product.ses.setFaults([{ kind: 'silence' }])
    const sesId = await onItsWay()
    killIfAlive(product.haraka.pid, 'SIGTERM')
    const ms = await gone()
    assert.ok(ms < TIMEOUT_MS + GRACE_MS + GONE_MS, `${ms} ms`)
    assert.deepEqual([jobOf(sesId)?.state, jobOf(sesId)?.unknownTries], ['queued', 1])
  })

  it("Haraka's own graceful shutdown follows the dispatcher's end", async () => {
    const files = { 'config/smtp.ini': 'graceful_shutdown=true\nforce_shutdown_timeout=1\n' }
    await start({ nodes: 1, files })
    const sesId = await onItsWay()
    killIfAlive(product.haraka.pid, 'SIGTERM')
    await gone()
    assert.equal(jobOf(sesId)?.state, 'sent', product.haraka.logTail())
    await assertCalls(sesId, 1, { nodes: 1 })
  })

  it('ses-bounce dispatch finishes the call that is on its way and ends with 0; a second signal ends it at once', async () => {
    await start({ nodes: 0, isProcess1: false })
    assert.equal((await sesBounce(product, 'queue', 'pause')).code, 0)
    const ids = [(await product.deliver()).mail.sesId, (await product.deliver()).mail.sesId]
    await product.haraka.stop()
    assert.equal((await sesBounce(product, 'queue', 'resume')).code, 0)
    const called = () => ids.reduce((sum, id) => sum + callsFor(id), 0)
    const toldOnce = await dispatchAlone()
    await until(() => called() === 1, { what: 'a call' })
    killIfAlive(toldOnce.pid, 'SIGTERM')
    assert.deepEqual(await toldOnce.exited, [0, null])
    const states = () => ids.map(id => jobOf(id)?.state).toSorted()
    assert.deepEqual(states(), ['queued', 'sent'])
    const toldTwice = await dispatchAlone()
    await until(() => called() === 2, { what: 'the other call' })
    killIfAlive(toldTwice.pid, 'SIGTERM')
    await toldTwice.said('SIGTERM: the call in progress is finished')
    killIfAlive(toldTwice.pid, 'SIGTERM')
    assert.deepEqual(await toldTwice.exited, [1, null])
    assert.deepEqual(states(), ['sending', 'sent'])
  })

  async function dispatchAlone(): Promise<{
    pid: number
    said: (what: string) => Promise<unknown>
    exited: Promise<unknown[]>
  }> {
    const [file = '', ...args] = asProcess1([
      process.execPath,
      COMMAND,
      'dispatch',
      '--dir',
      product.haraka.dir,
    ])
    const env = emulatorEnv()
    const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'ignore'] })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (more: string) => {
      text += more
    })
    const forget = atEnd(() => child.kill('SIGKILL'))
    const exited = once(child, 'exit').finally(forget)
    const said = (what: string) => until(() => text.includes(what), { what })
    return { pid: await onlyChild(child), said, exited }
  }
})

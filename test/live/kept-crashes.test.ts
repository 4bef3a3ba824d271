// Kills between any two steps of a mail's way lose no mail, and leave none behind that nobody waits for.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, renameSync, rmSync, utimesSync } from 'node:fs'
import path from 'node:path'
import { Database } from '../../src/queue/sqlite/database'
import { openOperatorQueue } from '../../src/queue/sqlite/open'
import type { SesEmulator } from '../../src/ses-emulator/options'
import { startSesEmulator } from '../../src/ses-emulator/server'
import { byHand } from '../queue/by-hand-calls'
import { dispatcherPid, holdDispatcher } from './support/dispatcher'
import { bounceOf, keptOf, relay, said, startFlow } from './support/flow'
import { rawKept } from './support/kept'
import type { SesMail } from './support/mail'
import { killIfAlive } from './support/processes'
import type { Ini, Product } from './support/product'
import { until } from './support/wait'

const RULES = '[unknown]\nrecipient = *@yours.example\naction = bounce\nbounce.type = DoesNotExist\n'
const TAKEN = '250 Message accepted by policy'
const DAY_MS = 86_400_000

describe('after kills', function () {
  let product: Product
  let ses: SesEmulator
  const start = (haraka: { dir?: string } = {}, ini: Ini = {}) =>
    startFlow({ rules: RULES, ini, localSes: ses, haraka: { ready: 'dispatching', ...haraka } })
  before(async function () {
    if (!existsSync('/proc/self/stat')) return this.skip()
    ses = await startSesEmulator({
      messages: 'any',
      intervalMs: 0,
      faults: ({ params }) =>
        params['BouncedRecipientInfoList.member.1.Recipient']?.startsWith('bad')
          ? { kind: 'error', status: 400, code: 'MessageRejected', message: 'Message not found.' }
          : undefined,
    })
  })
  afterEach(() => product?.stop())
  after(() => ses?.close())

  const inKept = (mail: SesMail) => rawKept(product, 'kept', mail)
  const change = (sql: string) => {
    const database = new Database(product.queueFile, { busyMs: 5000, create: false })
    database.run(sql)
    database.close()
  }

  /** All at once; the directory stays. */
  async function killAll(): Promise<void> {
    for (const { pid } of product.haraka.family()) killIfAlive(pid, 'SIGKILL')
    await product.haraka.stop()
  }

  /** The state after Haraka was killed behind the write of the file and before that of the job. */
  async function keptWithoutJob(): Promise<SesMail> {
    product = await start()
    await holdDispatcher(product)
    const { mail } = await relay(product)
    assert.equal(inKept(mail).length, 1)
    await killAll()
    change('DELETE FROM job')
    return mail
  }

  it('of all processes, a mail waits where it was, and goes once its bounce is made', async () => {
    product = await start()
    await holdDispatcher(product)
    const { mail } = await relay(product)
    await killAll()
    assert.equal(inKept(mail).length, 1)
    product = await start({ dir: product.haraka.dir })
    assert.equal(said((await relay(product, { mail })).reply), TAKEN)
    await bounceOf(product, mail)
    await until(() => inKept(mail).length === 0, { what: 'the mail to go' })
    assert.deepEqual(keptOf(product, mail), [])
  })

  it("of the dispatcher between a job's end and the move, the next dispatcher moves the mail", async () => {
    product = await start()
    const pid = await dispatcherPid(product)
    await holdDispatcher(product)
    const { mail } = await relay(product)
    const [job] = product.jobs({ sesId: mail.sesId })
    const operator = openOperatorQueue(product.queueFile)
    assert.ok('value' in byHand(operator).cancel(job?.id ?? '', Date.now()))
    operator.close()
    assert.equal(inKept(mail).length, 1)
    product.haraka.kill(pid, 'SIGKILL')
    const record = await until(() => inKept(mail).length === 0 && keptOf(product, mail)[0]?.record, {
      what: 'the mail in the quarantine',
    })
    assert.equal(record.held[0]?.job, job?.id)
  })

  it('between the file and the job, the mail that is delivered again uses its own file', async () => {
    const mail = await keptWithoutJob()
    product = await start({ dir: product.haraka.dir })
    const release = await holdDispatcher(product)
    assert.equal(said((await relay(product, { mail })).reply), TAKEN)
    assert.equal(inKept(mail).length, 1)
    release()
    await bounceOf(product, mail)
    await until(() => inKept(mail).length === 0, { what: 'the mail to go' })
  })

  it('between the file and the job, a mail that is never delivered again is deleted after a day', async () => {
    const mail = await keptWithoutJob()
    change('UPDATE queue_made SET at_ms = 0')
    age(2 * DAY_MS)
    product = await start({ dir: product.haraka.dir })
    await until(() => readdirSync(keptFolder()).length === 0, { what: 'the mail to go' })
    assert.deepEqual(keptOf(product, mail), [])
  })

  it('and the loss of the queue file, the mail that waited in it is in the quarantine', async () => {
    const mail = await keptWithoutJob()
    age(60_000)
    for (const suffix of ['', '-wal', '-shm']) rmSync(product.queueFile + suffix, { force: true })
    product = await start({ dir: product.haraka.dir })
    const record = await until(() => keptOf(product, mail)[0]?.record, { what: 'the mail in the quarantine' })
    assert.deepEqual(record.held, [
      { recipient: 'user@yours.example', rule: '', reason: 'the queue that had its bounce is gone' },
    ])
  })

  it('before the quarantine has its record, the move is done again', async () => {
    product = await start()
    const { mail } = await relay(product, { to: ['bad@yours.example'] })
    await until(() => keptOf(product, mail).length === 1, { what: 'the mail in the quarantine' })
    await killAll()
    // as if the move had never begun
    const folder = path.join(product.haraka.dir, 'ses-bounce')
    for (const name of readdirSync(path.join(folder, 'quarantine'))) {
      renameSync(path.join(folder, 'quarantine', name), path.join(folder, 'kept', name))
    }
    product = await start({ dir: product.haraka.dir })
    const [kept] = await until(() => inKept(mail).length === 0 && keptOf(product, mail), { what: 'the move' })
    assert.match(kept?.record.held[0]?.reason ?? '', /Message not found/)
  })

  it('or not, [fallback] mismatch = drop deletes the mail that SES refused for an unconfirmed recipient', async () => {
    for (const action of ['drop', 'reject']) {
      product = await start({}, { fallback: { mismatch: action } })
      const { mail } = await relay(product, {
        sesRecipients: ['anna@yours.example'],
        to: ['bad@yours.example'],
      })
      await until(() => product.jobs({ sesId: mail.sesId })[0]?.state === 'failed', { what: 'the refusal' })
      await until(() => inKept(mail).length === 0, { what: 'the mail to leave' })
      assert.deepEqual(
        keptOf(product, mail).map(({ record }) => record.held[0]?.reason.slice(0, 36)),
        action === 'drop' ? [] : ['mismatch: SES refused its bounce, an'],
      )
      await product.stop()
    }
    product = await start()
  })

  function keptFolder(): string {
    return path.join(product.haraka.dir, 'ses-bounce/kept')
  }

  function age(ms: number): void {
    const then = (Date.now() - ms) / 1000
    for (const name of readdirSync(keptFolder())) utimesSync(path.join(keptFolder(), name), then, then)
  }
})

// Senders and regions that SES or an operator has stopped, in a whole Haraka: their jobs wait, the others go on, each
// change is logged once, and after repair all go out. The minute between two tries is passed by setting the clock.

import assert from 'node:assert/strict'
import type { FaultPlan } from '../../src/ses-emulator/faults'
import { type SesEmulator, startSesEmulator } from '../../src/ses-emulator/server'
import { killMaster, startAgain } from './support/again'
import { sesBounce } from './support/command'
import { FalseTime } from './support/false-time'
import { type Product, type ProductOptions, startProduct } from './support/product'
import { until } from './support/wait'

const MINUTE_MS = 60_000
const GOOD = 'mailer-daemon@yours.example'
const UNVERIFIED = 'mailer-daemon@unverified.example'
const UNLOVED = 'mailer-daemon@unloved.example'

const RULES = [UNVERIFIED, UNLOVED]
  .map(sender => {
    const name = sender.replace(/^.*@(.*)\.example$/, '$1')
    return `[${name}]\nrecipient = ${name}@yours.example\naction = bounce\nbounce.sender = ${sender}\n`
  })
  .concat('[others]\nrecipient = *@*\naction = bounce\n')
  .join('\n')

describe('a pause by SES or by an operator', function () {
  let time: FalseTime
  let ses: SesEmulator
  let product: Product
  let options: ProductOptions
  before(async () => {
    time = new FalseTime()
    ses = await startSesEmulator({
      intervalMs: 0,
      clock: () => time.nowMs(),
      identities: ['yours.example', 'unloved.example'],
    })
    options = {
      localSes: ses,
      rules: RULES,
      ini: { limit: { interval: '20ms', slack: '0ms' } },
      haraka: { env: time.env },
    }
    product = await startProduct(options)
  })
  after(async () => {
    await product.stop()
    await ses.close()
    time.remove()
  })

  async function deliver(count: number, recipient = 'user@yours.example'): Promise<string[]> {
    const receivedAt = new Date(time.nowMs())
    const ids: string[] = []
    while (ids.length < count) {
      const { reply, mail } = await product.deliver({ recipient, receivedAt })
      assert.equal(reply.code, 250, reply.text)
      ids.push(mail.sesId)
    }
    return ids
  }

  const states = (ids: readonly string[]) =>
    ids.map(sesId => product.jobs({ sesId })[0]?.state ?? 'none').join(' ')
  const become = (ids: readonly string[], state: string) =>
    until(() => new RegExp(`^(${state} ?)+$`).test(states(ids)), {
      what: `${ids.length} jobs to be ${state}`,
    })
  const calls = (sender: string) => ses.calls.filter(({ params }) => params['BounceSender'] === sender).length
  const called = (sender: string, count: number) =>
    until(() => calls(sender) >= count, { what: `call ${count} for ${sender}` })
  const said = (what: RegExp) => product.haraka.log().filter(line => what.test(line))
  /** Whatever else was due has had its turn too. */
  const othersGoOn = async () => become(await deliver(2), 'sent')

  it('of a bounce sender that is not verified has one log line and one attempt a minute, and all bounces are sent once it is verified', async () => {
    const ids = await deliver(3, 'unverified@yours.example')
    await product.haraka.waitForLog(/bounce_sender=mailer-daemon@unverified\.example is paused/)
    await othersGoOn()
    assert.equal(calls(UNVERIFIED), 1)
    for (const tries of [2, 3]) {
      time.step(MINUTE_MS)
      await called(UNVERIFIED, tries)
      await othersGoOn()
      assert.equal(calls(UNVERIFIED), tries)
    }
    assert.equal(states(ids), 'queued queued queued')
    ses.addIdentity('unverified.example')
    time.step(MINUTE_MS)
    await become(ids, 'sent')
    await product.haraka.waitForLog(/works again/)
    const [paused = '', works = '', ...more] = said(/is paused|works again/)
    assert.match(
      paused,
      /\[ERROR\].* region=eu-west-1 bounce_sender=mailer-daemon@unverified\.example is paused, /,
    )
    assert.match(paused, /400 MessageRejected: .*not verified/)
    assert.match(works, /\[ERROR\].* bounce_sender=mailer-daemon@unverified\.example works again$/)
    assert.deepEqual(more, [])
  })

  it('after five equal refusals queues the mails again, and survives a kill -9 of Haraka, as one by hand does', async () => {
    const since = product.haraka.log().length
    ses.setFaults(refusing(UNLOVED))
    const ids = await deliver(7, 'unloved@yours.example')
    await product.haraka.waitForLog(/bounce_sender=mailer-daemon@unloved\.example is paused/, { since })
    await othersGoOn()
    await become(ids, 'queued')
    assert.equal((await sesBounce(product, 'queue', 'pause')).code, 0)
    await product.haraka.waitForLog(/paused by hand in every region/)
    const before = await deliver(2)

    await killMaster(product)
    product = await startAgain(product, options)
    await product.haraka.waitForLog(/paused by hand in every region/)
    const after = await deliver(2)
    const from = calls(GOOD)
    assert.equal(states([...before, ...after]), 'queued queued queued queued')
    assert.equal((await sesBounce(product, 'queue', 'resume')).code, 0)
    await become([...before, ...after], 'sent')
    assert.equal(calls(GOOD), from + 4)

    assert.equal(calls(UNLOVED), 5, 'five were refused, and the minute is not over')
    ses.setFaults([])
    time.step(MINUTE_MS)
    await become(ids, 'sent')
    await product.haraka.waitForLog(/unloved\.example works again/)
    assert.equal(calls(UNLOVED), 5 + ids.length)
    assert.equal(said(/is paused/).length, 0, 'it was said before')
    assert.equal(said(/works again/).length, 1)
  })
})

function refusing(sender: string): FaultPlan {
  return ({ params }) =>
    params['BounceSender'] === sender
      ? {
          kind: 'error',
          status: 400,
          code: 'MessageRejected',
          message: `No bounce for ${params['OriginalMessageId']}.`,
        }
      : undefined
}

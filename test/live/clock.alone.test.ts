// The wall clock of Haraka's machine is set by an hour while bounces wait, and its processes stand still for a while:
// SES sees its pace, nothing expires before its time, and nothing waits for the clock to come round again.

import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import type { Job } from '../../src/queue/job'
import { dispatcherPid, holdDispatcher } from './support/dispatcher'
import { FalseTime } from './support/false-time'
import { tooSoon } from './support/pace'
import { type Product, startProduct } from './support/product'
import { until } from './support/wait'

const INTERVAL_MS = 100
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const STALL_MS = 1000
const UNVERIFIED = 'mailer-daemon@unverified.example'

const RULES = `
[unverified]
recipient = unverified@yours.example
action = bounce
bounce.sender = ${UNVERIFIED}

[others]
recipient = *@*
action = bounce
`

describe('when clocks are wrong', function () {
  let time: FalseTime
  let product: Product
  before(async () => {
    time = new FalseTime()
    product = await startProduct({
      rules: RULES,
      ini: {
        limit: { interval: `${INTERVAL_MS}ms` },
        // no test waits as long: what is sent was found to be due
        queue: { retry: '5m..10m' },
      },
      // the signature's time is looked at elsewhere
      // it may read a call late: what came too soon is found by the calls' times
      ses: { intervalMs: INTERVAL_MS / 2, clock: () => time.nowMs(), identities: ['yours.example'] },
      haraka: { nodes: 1, env: time.env },
    })
  })
  after(async () => {
    await product.stop()
    time.remove()
  })

  /** Answered with 250 each; the ids that SES gave them. */
  async function deliver(count: number, { to = 'user@yours.example', ageMs = 0 } = {}): Promise<string[]> {
    const receivedAt = new Date(time.nowMs() - ageMs)
    const ids: string[] = []
    while (ids.length < count) {
      const { reply, mail } = await product.deliver({ recipient: to, receivedAt })
      assert.equal(reply.code, 250, reply.text)
      ids.push(mail.sesId)
    }
    return ids
  }

  const jobOf = (sesId: string): Job | undefined => product.jobs({ sesId })[0]
  const states = (ids: readonly string[]) => ids.map(sesId => jobOf(sesId)?.state)
  const allSent = (ids: readonly string[]) =>
    until(() => states(ids).every(state => state === 'sent'), { what: `${ids.length} bounces` })
  const tried = (sesId: string, tries: number) =>
    until(() => jobOf(sesId)?.tries === tries, { what: `try ${tries} of ${sesId}` })
  const callsFor = (sesId: string) =>
    product.ses.calls.filter(({ params }) => params['OriginalMessageId'] === sesId).length

  function assertPace(from: number): void {
    assert.deepEqual(tooSoon(product.ses.calls, INTERVAL_MS, from), [])
  }

  it('the clock is set by an hour, forward and back, many times: waiting bounces are sent, and at their pace', async () => {
    for (const [n, ms] of [HOUR_MS, -HOUR_MS, -HOUR_MS, HOUR_MS].entries())
      time.stepAfterCall(product.ses, 2 * (n + 1), ms)
    const ids = await deliver(10, { ageMs: 3 * HOUR_MS })
    await allSent(ids)
    assert.equal(product.ses.calls.length, ids.length)
    assertPace(0)
  })

  it('a postponed attempt or bounce sender is postponed no further when the clock is set back', async () => {
    product.ses.setFaults([{ kind: 'status', status: 503, body: 'Service Unavailable' }])
    const [single = ''] = await deliver(1)
    await tried(single, 1)
    const [paused = ''] = await deliver(1, { to: 'unverified@yours.example' })
    await tried(paused, 1)
    assert.deepEqual(states([single, paused]), ['queued', 'queued'])
    time.step(-HOUR_MS)
    const [next = ''] = await deliver(1)
    await Promise.all([allSent([single, next]), tried(paused, 2)])
    time.step(HOUR_MS)
    await tried(paused, 3)
    product.ses.addIdentity('unverified.example')
    time.step(MINUTE_MS)
    await allSent([paused])
    await product.haraka.waitForLog(/works again/)
    time.step(-MINUTE_MS)
    const said = product.haraka.log().filter(line => /is paused|works again/.test(line))
    assert.equal(said.length, 2, said.join('\n'))
  })

  it('jobs expire by the clock, with the reason, and no other job does', async () => {
    product.ses.setFaults(Array.from({ length: 2 }, () => ({ kind: 'status', status: 503, body: 'Sorry' })))
    const [late = ''] = await deliver(1, { ageMs: 23.5 * HOUR_MS })
    const [early = ''] = await deliver(1, { ageMs: 22.5 * HOUR_MS })
    await Promise.all([tried(late, 1), tried(early, 1)])
    time.step(HOUR_MS)
    await allSent([early])
    await until(() => jobOf(late)?.state === 'expired', { what: 'the job to expire' })
    assert.match(
      jobOf(late)?.reason ?? '',
      /^The deadline passed before it could be sent; attempts: 1, the last: 503/,
    )
    time.step(-HOUR_MS)
    assert.equal(callsFor(late), 1)
  })

  it('a dispatcher that was stopped or busy sends no faster afterwards, and expires late jobs', async () => {
    const from = product.ses.calls.length
    const pid = await dispatcherPid(product)
    const ids = await deliver(10)
    await product.calls(from + 2)
    const letGo = await holdDispatcher(product)
    const [late = ''] = await deliver(1, { ageMs: 23.5 * HOUR_MS })
    await pause(STALL_MS)
    time.step(HOUR_MS)
    letGo()
    await until(() => jobOf(late)?.state === 'expired', { what: 'the job to expire' })
    assert.equal(jobOf(late)?.reason, 'The deadline passed before it could be sent')
    await product.calls(from + 5)
    await time.stall(pid, STALL_MS)
    await allSent(ids)
    time.step(-HOUR_MS)
    assert.equal(product.ses.calls.length, from + ids.length)
    assertPace(from)
  })

  it('a worker that was stopped answers all mail that came meanwhile', async () => {
    const from = product.ses.calls.length
    const [worker] = product.haraka.workers()
    assert.ok(worker)
    const free = time.stall(worker, STALL_MS)
    const ids = await deliver(4)
    await free
    await allSent(ids)
    assert.equal(product.ses.calls.length, from + ids.length)
    assertPace(from)
  })
})

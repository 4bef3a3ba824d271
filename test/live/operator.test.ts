// The operator's commands beside a Haraka that runs, each in a process of its own: what they change holds at once,
// and SES sees exactly what it should.

import assert from 'node:assert/strict'
import { sesBounce } from './support/command'
import { bounceOf, callsFor, relay, startFlow } from './support/flow'
import type { SesMail } from './support/mail'
import { BOUNCE_ALL, type Product } from './support/product'
import { until } from './support/wait'

async function queued(product: Product, to = 'user@yours.example'): Promise<{ id: string; mail: SesMail }> {
  const { mail } = await relay(product, { to: [to] })
  const [job] = product.jobs({ sesId: mail.sesId })
  assert.ok(job, 'the mail has a job')
  return { id: job.id, mail }
}

describe('ses-bounce queue, while jobs wait for their turn', function () {
  let product: Product
  before(async () => {
    product = await startFlow({ rules: BOUNCE_ALL, ini: { limit: { interval: '1h' } } })
  })
  after(() => product.stop())

  const queue = (...args: string[]) => sesBounce(product, 'queue', ...args)

  it('lists, holds, retries, cancels, pauses, resumes and counts, and SES sees nothing of it', async () => {
    const first = await queued(product)
    await bounceOf(product, first.mail)
    const [held, cancelled, waiting] = [await queued(product), await queued(product), await queued(product)]

    assert.deepEqual((await queue('hold', held.id)).lines, [`${held.id}: held, it was queued`])
    assert.deepEqual((await queue('cancel', cancelled.id)).lines, [
      `${cancelled.id}: cancelled, it was queued`,
    ])
    const sent = await queue('cancel', first.id, 'nothing')
    assert.equal(sent.code, 1)
    assert.deepEqual(sent.lines, [
      `${first.id}: not changed: it is sent; only what is queued or held can become cancelled`,
      'nothing: not changed: there is no such job',
    ])

    const states = async () =>
      Object.fromEntries(
        (await queue('list', '--json')).lines.map(line => {
          const { id, state } = JSON.parse(line) as { id: string; state: string }
          return [id, state]
        }),
      )
    assert.deepEqual(await states(), {
      [first.id]: 'sent',
      [held.id]: 'held',
      [cancelled.id]: 'cancelled',
      [waiting.id]: 'queued',
    })
    assert.deepEqual((await queue('retry', held.id, cancelled.id)).code, 0)
    assert.equal((await queue('pause')).code, 0)
    await product.haraka.waitForLog(/paused by hand in every region/)
    const stats = JSON.parse((await queue('stats', '--json')).lines[0] ?? '') as {
      states: Record<string, number>
      pauses: unknown[]
      is_dispatching: boolean
    }
    assert.deepEqual([stats.states['queued'], stats.states['sent']], [3, 1])
    assert.deepEqual([stats.pauses.length, stats.is_dispatching], [1, true])
    const drain = await queue('drain', '--wait')
    assert.equal(drain.code, 1)
    assert.match(drain.lines.at(-1) ?? '', /^Not drained: 3 jobs to send: paused: eu-west-1\.$/)
    assert.equal((await queue('resume')).code, 0)
    await product.haraka.waitForLog(/resumed by hand in every region/)

    assert.deepEqual(
      product.ses.calls.map(({ params }) => params['OriginalMessageId']),
      [first.mail.sesId],
    )
    const shown = (await queue('show', held.id)).lines.join('\n')
    assert.match(
      shown,
      /by hand: queued -> held by \S+\n.*by hand: held -> queued by \S+; before: it was held by hand/,
    )
  })
})

describe('ses-bounce queue pause', function () {
  let product: Product
  before(async () => {
    product = await startFlow({ rules: BOUNCE_ALL })
  })
  after(() => product.stop())

  const queue = (...args: string[]) => sesBounce(product, 'queue', ...args)

  it('keeps jobs waiting, and what is resumed goes out: neither what is held nor what is cancelled', async () => {
    assert.equal((await queue('pause', '--region', 'eu-west-1')).code, 0)
    await product.haraka.waitForLog(/paused by hand in eu-west-1/)
    const jobs = [await queued(product), await queued(product), await queued(product), await queued(product)]
    const [one, two, held, cancelled] = jobs
    assert.ok(one && two && held && cancelled)
    // another region isn't held up
    const { mail: elsewhere } = await relay(product, { region: 'us-east-1' })
    await bounceOf(product, elsewhere)
    assert.equal(product.ses.calls.length, 1)
    await queue('hold', held.id)
    await queue('cancel', cancelled.id)

    assert.equal((await queue('resume')).code, 0)
    const drain = await queue('drain', '--wait', '--timeout', '10s')
    assert.deepEqual(
      [drain.code, drain.lines.at(-1)],
      [0, 'No jobs are waiting; 1 job held until you retry or cancel.'],
    )
    for (const { mail } of [one, two]) await bounceOf(product, mail)
    for (const { mail } of [held, cancelled]) assert.deepEqual(await callsFor(product, mail), [])

    await queue('retry', held.id)
    await bounceOf(product, held.mail)
    assert.equal(product.ses.calls.length, 4)
  })

  it('holds through the end of the dispatcher', async () => {
    await queue('pause')
    await product.haraka.waitForLog(/paused by hand in every region/)
    const dispatcher = product.haraka.family().find(({ cmdline }) => cmdline.includes('/dispatch/main.js'))
    assert.ok(dispatcher)
    product.haraka.kill(dispatcher.pid, 'SIGKILL')
    const { mail } = await queued(product)
    const said = () => product.haraka.log().filter(line => line.includes('paused by hand in every region'))
    await until(() => said().length === 2, {
      what: 'the next dispatcher to say it is paused',
    })
    assert.deepEqual(
      product.jobs({ sesId: mail.sesId }).map(({ state }) => state),
      ['queued'],
    )
    await queue('resume')
    await bounceOf(product, mail)
  })
})

// The verdict of a whole Haraka when SES is gone, sending is paused, or the dispatcher stands still: on every view alike.

import assert from 'node:assert/strict'
import { startSesEmulator } from '../../src/ses-emulator/server'
import { sesBounce } from './support/command'
import { relay } from './support/flow'
import { askHttp, startServed, TOKEN } from './support/http'
import { BOUNCE_ALL, type Product } from './support/product'
import { until } from './support/wait'

describe('the health of a Haraka', () => {
  let product: Product
  let port: number

  before(async () => {
    ;({ product, port } = await startServed(BOUNCE_ALL))
  })
  after(() => product?.stop())

  async function health(path: string) {
    const { status, text } = await askHttp(port, path, { host: 'probe.example' })
    return { status, ...(JSON.parse(text) as { verdict: string; state: string }) }
  }
  const sending = () => health('/health/sending')

  async function views(): Promise<Record<string, string>> {
    const page = (await askHttp(port, '/')).text
    const stats = await sesBounce(product, 'queue', 'stats')
    const json = await sesBounce(product, 'queue', 'stats', '--json')
    const metrics = (await askHttp(port, '/metrics', { authorization: `Bearer ${TOKEN}` })).text
    return {
      page: /<title>(.*) - SES bounces<\/title>/.exec(page)?.[1] ?? '',
      text: stats.lines[0] ?? '',
      json: (JSON.parse(json.lines.join('')) as { verdict: string }).verdict,
      sending: /^ses_bounce_sending (\d)$/m.exec(metrics)?.[1] ?? '',
    }
  }

  it('is good while bounces go out, and says that SES is unreachable as soon as a call has found it so', async () => {
    await until(async () => (await sending()).status === 200, { what: 'the first heartbeat' })
    assert.deepEqual(await views(), { page: 'Sending', text: 'Sending', json: 'Sending', sending: '1' })

    const { port: sesPort } = product.ses
    await product.ses.close()
    const { reply, mail } = await relay(product)
    assert.equal(reply.code, 250)
    await until(async () => (await sending()).status === 503, { what: 'a call that failed' })
    const unreachable = /^Degraded: SES unreachable since \d\d:\d\d UTC, next try (?:in \d+ s|now)$/
    assert.match((await sending()).verdict, unreachable)
    // nobody starts Haraka again because SES is down
    assert.equal((await health('/health')).status, 200)
    const { sending: number, ...lines } = await views()
    for (const [view, line] of Object.entries(lines)) assert.match(line, unreachable, view)
    assert.equal(number, '0')
    const page = (await askHttp(port, '/', { authorization: `Bearer ${TOKEN}` })).text
    assert.doesNotMatch(page, /All is well|SES says/)

    const again = await startSesEmulator({ port: sesPort, intervalMs: 0, messages: 'any', identities: 'any' })
    try {
      await until(() => product.jobs({ sesId: mail.sesId })[0]?.state === 'sent', { what: 'the bounce' })
      await until(async () => (await sending()).status === 200, { what: 'the end of the trouble' })
      assert.equal((await sending()).verdict, 'Sending')
    } finally {
      await again.close()
    }
  })

  it('says that sending is paused by hand, until it goes on', async () => {
    await sesBounce(product, 'queue', 'pause')
    const { status, verdict } = await sending()
    assert.equal(status, 503)
    assert.match(verdict, /^Stopped: paused by hand since \d\d:\d\d UTC$/)
    assert.equal((await health('/health')).status, 200)
    await sesBounce(product, 'queue', 'resume')
    assert.deepEqual(await sending().then(one => [one.status, one.verdict]), [200, 'Sending'])
  })
})

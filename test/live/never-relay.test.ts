// A relay that asks for no bounces with each mail: the log, the page, `check` and the metrics tell of it.

import assert from 'node:assert/strict'
import { sesBounce } from './support/command'
import { relay } from './support/flow'
import { askHttp, startServed, TOKEN } from './support/http'
import { BOUNCE_ALL, type Product } from './support/product'
import { until } from './support/wait'

describe('a relay that sends NOTIFY=NEVER with each mail', () => {
  let product: Product
  let port: number
  before(async () => {
    ;({ product, port } = await startServed(BOUNCE_ALL))
  })
  after(() => product?.stop())

  it('has none of its mail bounced, and every view warns of it', async () => {
    // each of two workers counts the mail that it gets
    for (let n = 0; n < 6; n++) await relay(product, { rcptParams: 'NOTIFY=NEVER' })
    assert.deepEqual(product.jobs(), [])
    await product.haraka.waitForLog(/most mail of the relay 127\.0\.0\.1 comes with NOTIFY=NEVER/)
    const authorization = `Bearer ${TOKEN}`
    const warning = /The relay sends NOTIFY=NEVER with RCPT TO, which stops all bounces/
    await until(async () => warning.test((await askHttp(port, '/', { authorization })).text), {
      what: 'the warning on the page',
    })
    const counted = /^ses_bounce_mails_notify_never_total 6$/m
    await until(async () => counted.test((await askHttp(port, '/metrics', { authorization })).text), {
      what: 'the counts of both workers',
    })
    const { lines } = await sesBounce(product, 'check')
    assert.match(lines.join('\n'), /\[relay\] warning: the relay sends NOTIFY=NEVER with RCPT TO/)
  })
})

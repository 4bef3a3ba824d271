import assert from 'node:assert/strict'
import { type Product, startProduct } from './support/product'

/** SES: one call a second; never less between two calls in a region, as SES sees them arrive. */
const INTERVAL_MS = 1000
const HOUR_MS = 3_600_000

describe('the pace', function () {
  this.timeout(60_000)
  let product: Product
  before(async () => {
    product = await startProduct({ haraka: { nodes: 2 } })
  })
  after(() => product.stop())

  it('of a burst to two workers is never faster than SES allows, and hardly slower, soonest deadlines first', async () => {
    const COUNT = Number(process.env['COUNT'] ?? 15)
    // one to be on its way while the others come in, in a shuffled order of deadlines
    await product.deliver()
    await product.calls(1)
    const ages = Array.from({ length: COUNT }, (_, n) => ((n * 7) % COUNT) + 1)
    const sent = await Promise.all(
      ages.map(hours =>
        product.deliver({ receivedAt: new Date(Date.now() - (hours * 20 * HOUR_MS) / COUNT) }),
      ),
    )
    for (const { reply } of sent) assert.equal(reply.code, 250, reply.text)
    const calls = await product.calls(COUNT + 1, COUNT * 2000 + 10_000)

    assert.deepEqual(
      calls.filter(call => call.outcome.code !== undefined).map(call => call.outcome),
      [],
      'none throttled',
    )
    const gaps = calls.slice(1).map((call, index) => call.headersAtMs - (calls[index]?.headersAtMs ?? 0))
    const least = Math.min(...gaps.slice(1))
    const mean = gaps.slice(1).reduce((sum, gap) => sum + gap, 0) / (gaps.length - 1)
    console.log('least', least, 'mean', mean, 'first', gaps[0], Math.max(...gaps))
    assert.ok(least >= INTERVAL_MS, `least gap ${least} ms`)
    const byId = new Map(sent.map(({ mail }) => [mail.sesId, mail.receivedAt.getTime()]))
    const order = calls.slice(1).map(call => byId.get(call.input?.OriginalMessageId ?? ''))
    // the first was claimed before the others had come
    assert.deepEqual(
      order.slice(1),
      order.slice(1).toSorted((a, b) => (a ?? 0) - (b ?? 0)),
    )
  })
})

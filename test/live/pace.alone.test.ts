import assert from 'node:assert/strict'
import { type Product, startProduct } from './support/product'
import { until } from './support/wait'

/** SES: one call a second; never less between two calls in a region, as SES sees them arrive. */
const INTERVAL_MS = 1000
const HOUR_MS = 3_600_000

/** More for a longer look: `COUNT=60 npx mocha test/live/pace.alone.test.ts` */
const COUNT = Number(process.env['COUNT'] ?? 12)
/** Calls a second that a burst must reach, of the one that SES allows. */
const LEAST_RATE = 0.95

describe('the pace', function () {
  let product: Product
  before(async () => {
    product = await startProduct({ haraka: { nodes: 2 } })
  })
  after(() => product.stop())

  it('lets an idle queue answer within 300 ms of the 250', async () => {
    for (let n = 1; n <= 3; n++) {
      await product.deliver()
      const answeredAtMs = performance.timeOrigin + performance.now()
      const call = (await product.calls(n))[n - 1]
      assert.ok(call)
      const monoNowMs = Number(process.hrtime.bigint()) / 1e6
      const delayMs =
        call.headersAtMs - (monoNowMs - (performance.timeOrigin + performance.now() - answeredAtMs))
      assert.ok(delayMs < 300, `${delayMs} ms`)
      await until(() => Number(process.hrtime.bigint()) / 1e6 - call.headersAtMs > INTERVAL_MS, {
        what: 'the interval',
      })
    }
  })

  it('of a burst to two workers is never faster than SES allows, and hardly slower, soonest deadlines first', async () => {
    // one to be on its way while the others come in, in a shuffled order of deadlines
    const from = product.ses.calls.length
    await product.deliver()
    await product.calls(from + 1)
    const ages = Array.from({ length: COUNT }, (_, n) => ((n * 7) % COUNT) + 1)
    const sent = await Promise.all(
      ages.map(hours =>
        product.deliver({ receivedAt: new Date(Date.now() - (hours * 20 * HOUR_MS) / COUNT) }),
      ),
    )
    for (const { reply } of sent) assert.equal(reply.code, 250, reply.text)
    const calls = (await product.calls(from + COUNT + 1, COUNT * 2000 + 10_000)).slice(from)

    assert.deepEqual(
      calls.filter(call => call.outcome.code !== undefined).map(call => call.outcome),
      [],
      'none throttled',
    )
    const gaps = calls.slice(1).map((call, index) => call.atMs - (calls[index]?.atMs ?? 0))
    const least = Math.min(...gaps)
    assert.ok(least >= INTERVAL_MS, `least gap ${least} ms`)
    const rate = (1000 * gaps.length) / gaps.reduce((sum, gap) => sum + gap, 0)
    assert.ok(rate >= LEAST_RATE, `${rate} calls a second`)
    const byId = new Map(sent.map(({ mail }) => [mail.sesId, mail.receivedAt.getTime()]))
    const order = calls.slice(1).map(call => byId.get(call.input?.OriginalMessageId ?? ''))
    // the first was claimed before the others had come
    assert.deepEqual(
      order.slice(1),
      order.slice(1).toSorted((a, b) => (a ?? 0) - (b ?? 0)),
    )
  })
})

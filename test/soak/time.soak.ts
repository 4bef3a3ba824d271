import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { endures } from '../dispatch/events'
import { dispatcherPid } from '../live/support/dispatcher'
import { FalseTime } from '../live/support/false-time'
import { tooSoon } from '../live/support/pace'
import { type Product, startProduct } from '../live/support/product'
import { until } from '../live/support/wait'

const INTERVAL_MS = 1000
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** `RUNS=10000 npm run test:soak` */
const RUNS = Number(process.env['RUNS'] ?? 500)

describe('a machine whose time goes wrong at random', function () {
  this.timeout(MINUTE_MS + RUNS * 4000)

  it(`keeps its distance, expires nothing too early, and leaves nothing behind, ${RUNS} times`, () =>
    endures(RUNS))
})

describe("at SES's pace, when time goes wrong on Haraka's machine alone", function () {
  this.timeout(15 * MINUTE_MS)
  let time: FalseTime
  let product: Product
  before(async () => {
    time = new FalseTime()
    product = await startProduct({ haraka: { nodes: 2, env: time.env } })
  })
  after(async () => {
    await product.stop()
    time.remove()
  })

  const sent = () => product.jobs({ state: 'sent' }).length

  async function deliver(count: number): Promise<void> {
    const receivedAt = new Date(time.nowMs() - 2 * HOUR_MS)
    for (let n = 0; n < count; n++) {
      const { reply } = await product.deliver({ receivedAt })
      assert.equal(reply.code, 250, reply.text)
    }
  }

  it('a dispatcher that is stopped for a minute makes up for nothing', async () => {
    await deliver(20)
    const pid = await dispatcherPid(product)
    await product.calls(5)
    product.haraka.kill(pid, 'SIGSTOP')
    await pause(MINUTE_MS)
    product.haraka.kill(pid, 'SIGCONT')
    await until(() => sent() === 20, { what: '20 bounces', timeoutMs: 2 * MINUTE_MS })
    assert.deepEqual(tooSoon(product.ses.calls, INTERVAL_MS), [])
    assert.equal(product.ses.calls.length, 20)
  })

  for (const [what, ms] of [
    ['forward', HOUR_MS],
    ['back', -2 * HOUR_MS],
  ] as const) {
    it(`a clock that is set ${what} to an hour off: SES takes the signature for wrong once, and all go out`, async () => {
      const [from, before] = [product.ses.calls.length, sent()]
      await deliver(10)
      await product.calls(from + 3)
      time.step(ms)
      await until(() => sent() === before + 10, { what: '10 bounces', timeoutMs: 5 * MINUTE_MS })
      const calls = product.ses.calls.slice(from)
      assert.deepEqual(tooSoon(calls, INTERVAL_MS), [])
      const refused = calls.filter(({ outcome }) => outcome.status !== 200)
      assert.ok(refused.length <= 2, `${refused.length} calls were refused`)
      for (const { outcome } of refused) assert.equal(outcome.code, 'SignatureDoesNotMatch')
      assert.equal(calls.length, 10 + refused.length)
    })
  }
})

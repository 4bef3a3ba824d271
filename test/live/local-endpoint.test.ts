import assert from 'node:assert/strict'
import { startProduct } from './support/product'
import { until } from './support/wait'

describe('endpoint = local', function () {
  this.timeout(20_000)

  it('bounces into a stand-in of its own, without credentials, and says so', async () => {
    const product = await startProduct({
      ini: { ses: { endpoint: 'local' } },
      haraka: { env: { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' } },
    })
    try {
      await product.haraka.waitForLog(/bounces go to a stand-in at http:\/\/127\.0\.0\.1:\d+, not to SES/)
      const { reply, mail } = await product.deliver()
      assert.equal(reply.code, 250)
      await until(() => product.jobs({ sesId: mail.sesId })[0]?.state === 'sent', { what: 'the bounce' })
      assert.equal(product.ses.calls.length, 0)
    } finally {
      await product.stop()
    }
  })
})

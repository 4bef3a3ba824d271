import assert from 'node:assert/strict'
import { type Product, startProduct } from './support/product'

describe('from a mail to a bounce', function () {
  this.timeout(30_000)
  let product: Product
  before(async () => {
    product = await startProduct()
  })
  after(() => product.stop())

  it('bounces what a rule refuses, and answers 250', async () => {
    const { reply, mail } = await product.deliver()
    assert.equal(reply.code, 250, reply.text)
    const [call] = await product.calls(1)
    assert.equal(call?.input?.OriginalMessageId, mail.sesId)
  })
})

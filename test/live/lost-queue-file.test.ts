// A queue file that was deleted or replaced under a running Haraka: what would be written to it is lost at the next start.

import assert from 'node:assert/strict'
import { renameSync } from 'node:fs'
import { relay, said, startFlow } from './support/flow'
import { rawKept } from './support/kept'
import type { Product } from './support/product'

describe('a queue file that was moved away under a running Haraka', function () {
  let product: Product
  before(async () => {
    product = await startFlow()
  })
  after(() => product?.stop())

  it('accepts no mail, says why, and accepts mail again when the file is back', async () => {
    assert.equal(said((await relay(product)).reply), '250 Message accepted by policy')
    const away = (suffix: string) => `${product.queueFile}.away${suffix}`
    const suffixes = ['', '-wal', '-shm']
    for (const suffix of suffixes) renameSync(product.queueFile + suffix, away(suffix))
    const { reply, mail } = await relay(product)
    assert.equal(said(reply), '450 4.3.0 Try again later')
    assert.deepEqual(rawKept(product, 'kept', mail), [])
    await product.haraka.waitForLog(
      /temporary refusal: .*queue\.sqlite: the queue file is gone or was replaced/,
    )
    // its name comes last, or the dispatcher may open it without its log
    for (const suffix of suffixes.toReversed()) renameSync(away(suffix), product.queueFile + suffix)
    const { reply: back } = await relay(product)
    assert.equal(said(back), '250 Message accepted by policy', product.haraka.logTail())
  })
})

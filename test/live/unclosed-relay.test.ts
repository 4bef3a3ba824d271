import assert from 'node:assert/strict'
import { strictProduct } from './support/strict'
import { reasonsHeld } from './support/unharmed'

describe("A relay that removes the end of SES's results", () => {
  const strict = strictProduct()

  it('has none of its mail bounced, and the log warns of it', async () => {
    for (let n = 0; n < 4; n++) {
      const mail = strict.genuine({ receiptHeader: false })
      assert.match(await strict.send(mail.data), /^250 /)
      assert.deepEqual(reasonsHeld(strict.product, mail.sesId), [
        "unsafe: sender not authenticated: SES's results aren't closed by X-SES-RECEIPT",
      ])
    }
    await strict.product.haraka.waitForLog(/most mail of the relay 127\.0\.0\.1 proves no sender/)
  })
})

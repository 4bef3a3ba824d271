// The plugin looks at mail of trusted relays, by address or by user, and at nobody else's.

import assert from 'node:assert/strict'
import { bounceOf, deliveredOf, linesOf, noted, relay, said, startFlow } from './support/flow'
import type { Product } from './support/product'
import type { ConnectOptions } from './support/smtp'

const TRUSTED: Record<string, Omit<ConnectOptions, 'port'>> = {
  'an address': { localAddress: '127.0.0.1' },
  'an address of a range': { localAddress: '127.0.9.200' },
  'a user': { localAddress: '127.0.0.2', helo: 'user.ses-relay' },
}

const UNTRUSTED: Record<string, Omit<ConnectOptions, 'port'>> = {
  'another address': { localAddress: '127.0.0.2' },
  'an address beside the range': { localAddress: '127.0.10.1' },
  'another user': { localAddress: '127.0.0.2', helo: 'user.someone' },
  'a peer that may relay': { localAddress: '127.0.0.2', helo: 'relaying.yours.example' },
}

describe('a relay', function () {
  let product: Product
  before(async () => {
    product = await startFlow({
      ini: { relay: { trusted: '127.0.0.1, 127.0.9.0/24', auth_users: 'ses-relay' } },
    })
  })
  after(() => product.stop())

  for (const [what, connect] of Object.entries(TRUSTED)) {
    it(`is trusted as ${what}`, async () => {
      const { reply, mail } = await relay(product, { connect })
      assert.equal(said(reply), '250 Message accepted by policy')
      await bounceOf(product, mail)
    })
  }

  for (const [what, connect] of Object.entries(UNTRUSTED)) {
    it(`is nobody's as ${what}: the mail isn't even looked at`, async () => {
      const before = noted(product.haraka).length
      const { reply, mail } = await relay(product, { connect })
      assert.equal(said(reply), '250 captured')
      assert.deepEqual(
        deliveredOf(product, mail).map(({ to }) => to),
        [['user@yours.example']],
      )
      assert.deepEqual(product.jobs({ sesId: mail.sesId }), [])
      // a mail that was looked at leaves its decisions there
      assert.deepEqual(
        noted(product.haraka)
          .slice(before)
          .map(({ decisions }) => decisions),
        [undefined],
      )
      assert.deepEqual(linesOf(product, mail), [])
    })
  }

  it('that is not trusted is hinted at once, with its address and nothing of its mail', async () => {
    // of each worker the first mail and each hundredth are looked at
    const hints = () =>
      product.haraka.log().filter(line => line.includes('hands over mail that SES received'))
    for (let mails = 0; hints().length === 0 && mails < 250; mails++)
      await relay(product, { connect: { localAddress: '127.0.0.2' } })
    const [hint = ''] = hints()
    assert.match(
      hint,
      /127\.0\.(?:0\.2|10\.1) hands over mail that SES received, and isn't in \[relay\] trusted/,
    )
    assert.doesNotMatch(hint, /origin\.example|yours\.example/)
  })
})

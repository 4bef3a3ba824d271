// A plugin that refuses and has noted an error: its backend may be down, so only a rule that names it is about its refusals.

import assert from 'node:assert/strict'
import { assertUntouched, bounceOf, recipientsOf, relay, said } from '../support/flow'
import type { Product } from '../support/product'
import { startRefusing } from '../support/refusers'

const RULES = `
[named]
refused.by = named
action = bounce
[any]
refused.by = *
action = bounce
`

const REFUSER = `'use strict'
exports.hook_rcpt = function (next, { transaction }, [{ address }]) {
  const [name, error] = address.split('@')[0].split('.')
  if (name !== this.name) return next()
  if (error) transaction.results.add(this, { err: 'the directory is down' })
  next(DENY, '5.1.1 No such user')
}
`

describe('a refusal by a plugin that has noted an error', function () {
  let product: Product
  before(async () => {
    product = await startRefusing({
      plugins: ['named', 'other'],
      rules: RULES,
      files: { 'plugins/named.js': REFUSER, 'plugins/other.js': REFUSER },
    })
  })
  after(() => product.stop())

  it('stands where no rule names the plugin', async () => {
    const { reply, mail } = await relay(product, { to: ['other.error@yours.example'] })
    assert.equal(said(reply), '550 5.1.1 No such user')
    assertUntouched(product, mail)
  })

  it('is bounced by a rule that names the plugin', async () => {
    const to = ['named.error@yours.example']
    const { mail } = await relay(product, { to })
    assert.deepEqual(recipientsOf(await bounceOf(product, mail)), to)
  })

  it('is bounced by any rule where there was no error', async () => {
    const to = ['other@yours.example']
    const { mail } = await relay(product, { to })
    assert.deepEqual(recipientsOf(await bounceOf(product, mail)), to)
  })
})

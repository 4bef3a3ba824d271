// Beside other plugins: whatever its place in config/plugins, ours decides last and commits first.

import assert from 'node:assert/strict'
import { assertUntouched, bounceOf, deliveredOf, keptOf, relay, said, startFlow } from './support/flow'
import type { Product } from './support/product'
import type { ConnectOptions } from './support/smtp'

const RULES = `[unknown]
recipient = unknown@yours.example
action = bounce
bounce.type = DoesNotExist

[held]
recipient = held@yours.example
action = quarantine
`

/** Refuses what asks for it, at either hook; how far mail came is in the log. */
const otherPlugin = `'use strict'
exports.hook_data_post = (next, connection) => {
  const wanted = connection.transaction.header.get('X-Refuse').trim()
  if (wanted === 'for good') return next(DENY, 'Refused by another plugin')
  if (wanted === 'for now') return next(DENYSOFT, 'Not now, says another plugin')
  next()
}
`

const ORDERS = {
  first: ['ses-bounce', 'probe', 'other', 'accept_all', 'capture'],
  last: ['accept_all', 'capture', 'other', 'probe', 'ses-bounce'],
}

const PEERS: Record<string, { hook: string; connect: Omit<ConnectOptions, 'port'> }> = {
  'for one of our domains': { hook: 'queue', connect: {} },
  relaying: { hook: 'queue_outbound', connect: { helo: 'relaying.yours.example' } },
}

for (const [place, lines] of Object.entries(ORDERS)) {
  describe(`listed ${place} in config/plugins`, function () {
    let product: Product
    before(async () => {
      product = await startFlow({
        rules: RULES,
        files: { 'config/plugins': `${lines.join('\n')}\n`, 'plugins/other.js': otherPlugin },
      })
    })
    after(() => product.stop())

    for (const [what, { hook, connect }] of Object.entries(PEERS)) {
      describe(what, () => {
        it('queues nothing if another plugin refuses permanently', async () => {
          const to = ['unknown@yours.example', 'held@yours.example', 'user@yours.example']
          const { reply, mail } = await relay(product, { to, connect, headers: { 'X-Refuse': 'for good' } })
          assert.equal(said(reply), '550 Refused by another plugin')
          assertUntouched(product, mail)
        })

        it('queues nothing of what another plugin refuses temporarily', async () => {
          const to = ['unknown@yours.example', 'held@yours.example']
          const { reply, mail } = await relay(product, { to, connect, headers: { 'X-Refuse': 'for now' } })
          assert.equal(said(reply), '450 Not now, says another plugin')
          assertUntouched(product, mail)
        })

        it('keeps mail without remaining recipients from other queue plugins', async () => {
          const to = ['unknown@yours.example', 'held@yours.example']
          const { reply, mail } = await relay(product, { to, connect })
          assert.equal(said(reply), '250 Message accepted by policy')
          assert.deepEqual(deliveredOf(product, mail), [])
          assert.equal(keptOf(product, mail).length, 1)
          await bounceOf(product, mail)
        })

        it('leaves the other recipients of a mail to them', async () => {
          const to = ['user@yours.example', 'unknown@yours.example', 'held@yours.example', 'x@yours.example']
          const { reply, mail } = await relay(product, { to, connect })
          assert.equal(said(reply), '250 captured')
          assert.deepEqual(deliveredOf(product, mail), [
            { hook, to: ['user@yours.example', 'x@yours.example'] },
          ])
          assert.equal(keptOf(product, mail).length, 1)
          await bounceOf(product, mail)
        })

        it('leaves a mail that no rule concerns as it is', async () => {
          const { reply, mail } = await relay(product, { connect })
          assert.equal(said(reply), '250 captured')
          assert.deepEqual(deliveredOf(product, mail), [{ hook, to: ['user@yours.example'] }])
        })
      })
    }
  })
}

// The same mail again, as relays deliver it: after a lost answer, recipient by recipient, or with other recipients.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { holdDispatcher } from './support/dispatcher'
import {
  bounceOf,
  callsFor,
  deliveredOf,
  keptOf,
  mailFor,
  recipientsOf,
  relay,
  said,
  startFlow,
} from './support/flow'
import type { Product } from './support/product'

const RULES = `[unknown]
recipient = unknown-*@yours.example
action = bounce
bounce.type = DoesNotExist

[both]
recipient = both@yours.example
action = bounce
deliver = true

[held]
recipient = held@yours.example
action = quarantine

[foreign]
envelope.recipient = *@mapped.example, *@stranger.example
recipient = *@mapped.example, *@stranger.example, forwarded@yours.example
action = bounce
bounce.type = DoesNotExist
`

/** Has no place in the next queue the first time that it is asked. */
const fullPlugin = `'use strict'
const seen = new Set()
exports.hook_queue = (next, connection) => {
  const id = connection.transaction.header.get('X-Full').trim()
  if (id === '' || seen.has(id)) return next()
  seen.add(id)
  next(DENYSOFT, 'No space left')
}
`

describe('redelivery', function () {
  let product: Product
  before(async () => {
    product = await startFlow({
      rules: RULES,
      ini: { fallback: { mismatch: 'reject' } },
      ses: { messages: [] },
      plugins: ['ses-bounce', 'probe', 'full'],
      files: { 'plugins/full.js': fullPlugin },
    })
  })
  after(() => product.stop())

  describe('a mail that is delivered again', () => {
    it('is answered with 250, and bounced once', async () => {
      const to = ['unknown-1@yours.example', 'Unknown-2@Yours.example']
      const { mail } = await relay(product, { to })
      await bounceOf(product, mail)
      for (let times = 0; times < 3; times++) {
        const { reply } = await relay(product, { to, mail })
        assert.equal(said(reply), '250 Message accepted by policy')
      }
      assert.deepEqual(deliveredOf(product, mail), [])
      await bounceOf(product, mail)
    })

    it('is added once while it waits', async function () {
      if (!existsSync('/proc/self/stat')) this.skip()
      const release = await holdDispatcher(product)
      const to = ['unknown-1@yours.example']
      const { mail } = await relay(product, { to })
      const { reply } = await relay(product, { to, mail })
      assert.equal(said(reply), '250 Message accepted by policy')
      assert.deepEqual(
        product.jobs({ sesId: mail.sesId }).map(({ state, recipients }) => [state, recipients.length]),
        [['queued', 1]],
      )
      release()
      await bounceOf(product, mail)
    })

    it('is added once when it comes over many connections at once', async () => {
      const to = ['unknown-1@yours.example', 'unknown-2@yours.example']
      const mail = mailFor(product, to)
      const takeOne = () => relay(product, { to, mail })
      const results = await Promise.all(Array.from({ length: 8 }, takeOne))
      // one that waited too long for the queue, on a busy machine, comes again
      for (const { reply } of results.filter(({ reply: { code } }) => code !== 250)) {
        assert.match(said(reply), /^450 /)
        assert.equal((await takeOne()).reply.code, 250)
      }
      assert.equal(product.jobs({ sesId: mail.sesId }).length, 1)
      assert.deepEqual(recipientsOf(await bounceOf(product, mail)), to)
    })

    it('recipient by recipient is one call, as long as that waits', async function () {
      if (!existsSync('/proc/self/stat')) this.skip()
      const to = ['unknown-1@yours.example', 'unknown-2@yours.example', 'unknown-3@yours.example']
      const mail = mailFor(product, to)
      const release = await holdDispatcher(product)
      for (const one of to) {
        const { reply } = await relay(product, { to: [one], mail })
        assert.equal(said(reply), '250 Message accepted by policy')
      }
      assert.equal(product.jobs({ sesId: mail.sesId }).length, 1)
      release()
      assert.deepEqual(recipientsOf(await bounceOf(product, mail)), to)
    })

    it('for one more recipient is a second call, for that one alone', async () => {
      const to = ['unknown-1@yours.example', 'unknown-2@yours.example']
      const mail = mailFor(product, to)
      await relay(product, { to: to.slice(0, 1), mail })
      await bounceOf(product, mail)
      await relay(product, { to, mail })
      const calls = await callsFor(product, mail)
      assert.deepEqual(
        calls.map(({ input }) => input?.BouncedRecipientInfoList?.map(({ Recipient }) => Recipient)),
        [['unknown-1@yours.example'], ['unknown-2@yours.example']],
      )
    })

    it('because the next queue was full is bounced once, and delivered then', async () => {
      const to = ['unknown-1@yours.example', 'user@yours.example']
      const headers = { 'X-Full': 'one', To: to.join(', ') }
      const { reply, mail } = await relay(product, { to, headers })
      assert.equal(said(reply), '450 No space left')
      await bounceOf(product, mail)
      assert.deepEqual(deliveredOf(product, mail), [])
      const again = await relay(product, { to, mail })
      assert.equal(said(again.reply), '250 captured')
      assert.deepEqual(deliveredOf(product, mail), [{ hook: 'queue', to: ['user@yours.example'] }])
      await bounceOf(product, mail)
    })

    it('is delivered again, but not bounced again, when its rule does both', async () => {
      const to = ['both@yours.example']
      const { mail } = await relay(product, { to })
      await bounceOf(product, mail)
      await relay(product, { to, mail })
      assert.deepEqual(
        deliveredOf(product, mail).map(delivered => delivered.to),
        [to, to],
      )
      await bounceOf(product, mail)
    })

    it('is answered with 250 also when no bounce could be made for it any more', async () => {
      const to = ['unknown-1@yours.example']
      const { mail } = await relay(product, { to })
      await bounceOf(product, mail)
      const { reply } = await relay(product, { to, mail, rcptParams: 'NOTIFY=NEVER' })
      assert.equal(said(reply), '250 Message accepted by policy')
      assert.deepEqual(keptOf(product, mail), [])
      await bounceOf(product, mail)
    })

    it('is quarantined once', async () => {
      const { mail } = await relay(product, { to: ['held@yours.example'] })
      const { reply } = await relay(product, { to: ['held@yours.example'], mail })
      assert.equal(said(reply), '250 Message accepted by policy')
      assert.equal(keptOf(product, mail).length, 1)
    })
  })

  describe('a relay that changes recipients', () => {
    it("has the only one bounced as SES's own", async () => {
      const { reply, mail } = await relay(product, {
        sesRecipients: ['forwarded@yours.example'],
        to: ['someone@mapped.example'],
      })
      assert.equal(said(reply), '250 Message accepted by policy')
      const { BouncedRecipientInfoList = [], BounceSender } = await bounceOf(product, mail)
      assert.deepEqual(
        BouncedRecipientInfoList.map(({ Recipient, RecipientDsnFields }) => [
          Recipient,
          RecipientDsnFields?.FinalRecipient,
        ]),
        [['forwarded@yours.example', 'forwarded@yours.example']],
      )
      assert.equal(BounceSender, 'mailer-daemon@yours.example')
    })

    it('gets no bounce for strangers that the header names', async () => {
      const strangers = ['one@stranger.example', 'two@stranger.example']
      const { reply, mail } = await relay(product, {
        sesRecipients: ['user@yours.example'],
        to: strangers,
        headers: { To: ['user@yours.example', ...strangers].join(', ') },
      })
      assert.equal(said(reply), '550 5.1.1 No such mailbox (not bounced: recipient not known to SES)')
      assert.deepEqual(product.jobs({ sesId: mail.sesId }), [])
    })

    it('still has its header recipients bounced at our own domains', async () => {
      const to = ['unknown-1@yours.example', 'unknown-2@yours.example']
      const { mail } = await relay(product, { to, forRecipient: null })
      assert.deepEqual(recipientsOf(await bounceOf(product, mail)), to)
    })
  })
})

// The outcome of a mail that a queue plugin refuses when the rules have been asked about it.

import assert from 'node:assert/strict'
import { assertUntouched, bounceOf, deliveredOf, keptOf, recipientsOf, relay, said } from '../support/flow'
import type { Product } from '../support/product'
import { startRefusing, WORDS } from '../support/refusers'
import { replyText } from '../support/smtp'

const GOOD = 'user@yours.example'

const RULES = `
[unwanted]
recipient = unwanted@yours.example
action = bounce
bounce.type = DoesNotExist
[unknown]
refused.by = ldap
action = bounce
[undeliverable]
refused.stage = queue
not.subject = *leave it*
action = bounce
`

for (const isRelaying of [false, true]) {
  describe(`a mail that a queue plugin refuses${isRelaying ? ', from a peer that may relay' : ''}`, function () {
    let product: Product
    const connect = isRelaying ? { helo: 'relaying.yours.example' } : {}
    before(async () => {
      product = await startRefusing({
        above: [{ name: 'store' }, { name: 'ldap' }],
        ini: { delivery: { split: 'false' } },
        rules: RULES,
        files: { 'plugins/store-outbound.js': OUTBOUND },
        plugins: ['store-outbound'],
      })
    })
    after(() => product.stop())

    it('is bounced, and no other queue plugin delivers it', async () => {
      const { reply, mail } = await relay(product, { connect, sender: 'store.queue.text@origin.example' })
      assert.equal(reply.code, 250, replyText(reply))
      const bounce = await bounceOf(product, mail)
      const [{ RecipientDsnFields: fields } = {}] = bounce.BouncedRecipientInfoList ?? []
      assert.equal(fields?.DiagnosticCode, `smtp; 550 5.7.1 ${WORDS.text}`)
      assert.deepEqual(deliveredOf(product, mail), [])
    })

    it('is bounced to the one recipient that is left, and the others stay as they were decided', async () => {
      const to = ['unwanted@yours.example', 'ldap.rcpt.text@yours.example', GOOD]
      const { reply, mail } = await relay(product, {
        connect,
        to,
        sender: 'store.queue.coded@origin.example',
      })
      assert.equal(reply.code, 250, replyText(reply))
      const jobs = product.jobs({ sesId: mail.sesId })
      assert.deepEqual(
        jobs.flatMap(({ recipients }) => recipients.map(({ address }) => address)).toSorted(),
        to.toSorted(),
      )
      assert.deepEqual(deliveredOf(product, mail), [])
    })

    it('is quarantined for several recipients, as none of them can be told apart', async () => {
      const to = [GOOD, 'another@yours.example']
      const { reply, mail } = await relay(product, { connect, to, sender: 'store.queue.text@origin.example' })
      assert.equal(reply.code, 250, replyText(reply))
      assert.deepEqual(
        keptOf(product, mail)
          .flatMap(({ record }) => record.held.map(({ recipient }) => recipient))
          .toSorted(),
        to.toSorted(),
      )
      assert.deepEqual(product.jobs({ sesId: mail.sesId }), [])
      assert.deepEqual(deliveredOf(product, mail), [])
    })

    it('is refused in the very words, where no rule is about it after all', async () => {
      for (const to of [[GOOD], [GOOD, 'another@yours.example']]) {
        const sender = 'store.queue.coded@origin.example'
        const { reply, mail } = await relay(product, {
          connect,
          to,
          sender,
          headers: { Subject: 'leave it' },
        })
        assert.equal(said(reply), `550 ${WORDS.coded}`)
        assertUntouched(product, mail)
      }
    })

    it('is delivered again after a temporary refusal', async () => {
      const { reply, mail } = await relay(product, { connect, sender: 'store.queue.soft@origin.example' })
      assert.equal(said(reply), `450 ${WORDS.soft}`)
      assertUntouched(product, mail)
    })

    it('is known when the relay delivers it again', async () => {
      const sender = 'store.queue.text@origin.example'
      const { mail } = await relay(product, { connect, sender })
      const { reply } = await relay(product, { connect, mail })
      assert.equal(reply.code, 250, replyText(reply))
      assert.deepEqual(recipientsOf(await bounceOf(product, mail)), [GOOD])
    })
  })
}

describe('a mail that a queue plugin refuses after all others', function () {
  it('is bounced, though that plugin has the priority and the place behind ours', async () => {
    const product = await startRefusing({
      below: [{ name: 'last', priorities: { queue: 100 } }],
      rules: RULES,
      files: { 'plugins/capture.js': '' },
    })
    try {
      const { reply, mail } = await relay(product, { sender: 'last.queue.text@origin.example' })
      assert.equal(reply.code, 250, replyText(reply))
      assert.deepEqual(recipientsOf(await bounceOf(product, mail)), [GOOD])
    } finally {
      await product.stop()
    }
  })
})

/** Refuses where `store` does, for peers that may relay. */
const OUTBOUND = `'use strict'
exports.hook_queue_outbound = function (next, { transaction }) {
  const form = /^store\\.queue\\.(\\w+)@/.exec(transaction.mail_from.address)?.[1]
  if (form === 'text') return next(DENY, ${JSON.stringify(WORDS.text)})
  if (form === 'coded') return next(DENY, ${JSON.stringify(WORDS.coded)})
  if (form === 'soft') return next(DENYSOFT, ${JSON.stringify(WORDS.soft)})
  next()
}
`

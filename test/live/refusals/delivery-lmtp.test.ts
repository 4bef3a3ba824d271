// LMTP behind Haraka (queue/lmtp): the server gives each recipient a reply of its own, at RCPT and at the end of the data.

import assert from 'node:assert/strict'
import {
  dsnRecipients,
  type MovableServer,
  route,
  startDelivery,
  startMovableServer,
  UNDELIVERABLE,
  untilDelivered,
} from '../support/delivery'
import { bounceOf, callsFor, keptOf, recipientsOf, relay, said } from '../support/flow'
import type { SesMail } from '../support/mail'
import { type MailServer, startMailServer } from '../support/mail-server'
import type { Product } from '../support/product'

for (const alwaysSplit of [true, false]) {
  describe(`mail for an LMTP server with always_split = ${alwaysSplit}`, function () {
    let product: Product
    let server: MovableServer
    let origin: MailServer
    before(async () => {
      server = await startMovableServer({ lmtp: true })
      origin = await startMailServer()
      product = await startDelivery({
        rules: UNDELIVERABLE,
        outbound: `temp_fail_intervals=none\nalways_split=${alwaysSplit}\n`,
        plugins: ['ses-bounce', 'probe', 'queue/lmtp'],
        files: { 'config/lmtp.ini': `host=127.0.0.1\nport=${server.port}\n` },
      })
      route(product, { 'origin.example': origin.port })
    })
    after(async () => {
      await product.stop()
      await server.close()
      await origin.close()
    })

    async function delivered(...to: string[]): Promise<SesMail> {
      const { reply, mail } = await relay(product, { to })
      assert.match(said(reply), /^250 Message Queued/)
      await untilDelivered(product)
      return mail
    }

    const accepted = ({ sesId }: SesMail) =>
      server.accepted.filter(({ data }) => data.includes(sesId)).flatMap(({ to }) => to)

    it('is bounced for the one recipient that the server refuses', async () => {
      server.refuse.dot.set('alone@yours.example', '552 5.2.2 Mailbox is full')
      const mail = await delivered('alone@yours.example')
      const { BouncedRecipientInfoList: [info] = [] } = await bounceOf(product, mail)
      assert.equal(info?.Recipient, 'alone@yours.example')
      assert.equal(info?.BounceType, 'ExceededQuota')
      assert.equal(info?.RecipientDsnFields?.DiagnosticCode, 'smtp; 552 5.2.2 Mailbox is full')
    })

    it('is bounced for the recipients that the server refuses at RCPT, and delivered to the others', async () => {
      server.refuse.rcpt.set('no-1@yours.example', '550 5.1.1 User does not exist')
      server.refuse.rcpt.set('no-2@yours.example', '550 5.1.1 User does not exist')
      const mail = await delivered(
        'yes-1@yours.example',
        'no-1@yours.example',
        'yes-2@yours.example',
        'no-2@yours.example',
      )
      assert.deepEqual(accepted(mail).toSorted(), ['yes-1@yours.example', 'yes-2@yours.example'])
      const calls = await callsFor(product, mail)
      assert.deepEqual(calls.flatMap(({ input }) => (input ? recipientsOf(input) : [])).toSorted(), [
        'no-1@yours.example',
        'no-2@yours.example',
      ])
      assert.deepEqual(keptOf(product, mail), [])
    })

    it('is never bounced for a recipient that got it, when the server refuses another at the end of the data', async () => {
      server.refuse.dot.set('full@yours.example', '552 5.2.2 Mailbox is full')
      const mail = await delivered('first@yours.example', 'full@yours.example')
      assert.deepEqual(accepted(mail), ['first@yours.example'])
      const calls = await callsFor(product, mail)
      assert.deepEqual(
        calls.flatMap(({ input }) => (input ? recipientsOf(input) : [])),
        alwaysSplit ? ['full@yours.example'] : [],
      )
      // Haraka doesn't tell whose the refusal is: somebody has to look
      assert.deepEqual(
        keptOf(product, mail).flatMap(({ record }) => record.held.map(({ reason }) => reason)),
        alwaysSplit ? [] : ['mismatch: LMTP may have refused another recipient'],
      )
      if (!alwaysSplit) await product.haraka.waitForLog('set always_split = true in outbound.ini')
      assert.deepEqual(dsnRecipients(origin), [])
    })
  })
}

// From a mail to a bounce: what SES is told of it, and what others see of the decision.

import assert from 'node:assert/strict'
import { bounceOf, linesOf, noted, relay, startFlow } from './support/flow'
import type { Product } from './support/product'

const RULES = String.raw`[worded]
recipient = worded@yours.example, also-worded@yours.example
action = bounce
bounce.type = ContentRejected
bounce.status = 5.7.1
bounce.text = {recipient} of {rule}, {sender}: "{subject}", {message-id}, {ses-id}; {size}
bounce.diagnostic = smtp; 550 5.7.1 not for {recipient}

[plain]
recipient = plain-*@yours.example
action = bounce
bounce.type = DoesNotExist

[full]
recipient = full-*@yours.example
action = bounce
bounce.type = ExceededQuota

[own-sender]
recipient = own-sender@yours.example
action = bounce
bounce.sender = no-reply@bounces.{recipient.domain}

[expressions]
recipient = /^order-\d+@YOURS\./
subject = /\brefund\b.*[€$]\s?\d{3,}/, /^FINAL Notice$/c
action = bounce

[named-role]
recipient = abuse@yours.example
action = bounce
`

describe('from a mail to a bounce', function () {
  let product: Product
  before(async () => {
    product = await startFlow({ rules: RULES, ses: { identities: ['yours.example'], messages: [] } })
  })
  after(() => product.stop())

  describe('the call to SES', () => {
    it('is about the mail, the recipient and the rule', async () => {
      const { reply, mail } = await relay(product, {
        to: ['worded@yours.example'],
        headers: { Subject: 'Hello', 'Message-ID': '<one@origin.example>' },
      })
      assert.equal(reply.code, 250, reply.text)
      const { BouncedRecipientInfoList: [info, ...more] = [], ...call } = await bounceOf(product, mail)
      assert.equal(call.OriginalMessageId, mail.sesId)
      assert.equal(call.BounceSender, 'mailer-daemon@yours.example')
      assert.match(
        call.Explanation ?? '',
        new RegExp(
          `^worded@yours.example of worded, someone@origin.example: "Hello", <one@origin.example>, ${mail.sesId}; [0-9.]+ kB$`,
        ),
      )
      assert.equal(call.MessageDsn?.ReportingMta, 'dns; mx.yours.example')
      const seconds = Math.floor(mail.receivedAt.getTime() / 1000)
      assert.equal(call.MessageDsn?.ArrivalDate?.getTime(), seconds * 1000)
      assert.equal(more.length, 0)
      assert.equal(info?.Recipient, 'worded@yours.example')
      assert.equal(info?.BounceType, 'ContentRejected')
      assert.equal(info?.RecipientDsnFields?.Action, 'failed')
      assert.equal(info?.RecipientDsnFields?.Status, '5.7.1')
      assert.equal(info?.RecipientDsnFields?.FinalRecipient, 'worded@yours.example')
      assert.equal(info?.RecipientDsnFields?.DiagnosticCode, 'smtp; 550 5.7.1 not for worded@yours.example')
    })

    it('has one call for recipients of one explanation, each with its own type, status and diagnostic', async () => {
      const to = ['plain-1@yours.example', 'full-1@yours.example', 'plain-2@yours.example']
      const { mail } = await relay(product, { to })
      const { BouncedRecipientInfoList = [], Explanation } = await bounceOf(product, mail)
      assert.equal(Explanation, undefined)
      assert.deepEqual(
        BouncedRecipientInfoList.map(({ Recipient, BounceType, RecipientDsnFields }) =>
          [Recipient, BounceType, RecipientDsnFields?.Status, RecipientDsnFields?.DiagnosticCode].join(' '),
        ).toSorted(),
        [
          'full-1@yours.example ExceededQuota 5.2.2 smtp; 552 5.2.2 Mailbox full',
          'plain-1@yours.example DoesNotExist 5.1.1 smtp; 550 5.1.1 No such mailbox',
          'plain-2@yours.example DoesNotExist 5.1.1 smtp; 550 5.1.1 No such mailbox',
        ],
      )
    })

    it('has a call for each explanation', async () => {
      const to = ['worded@yours.example', 'also-worded@yours.example']
      const { mail } = await relay(product, { to })
      const jobs = product.jobs({ sesId: mail.sesId })
      assert.deepEqual(
        jobs.map(job => job.recipients.map(({ address }) => address).join(' ')).toSorted(),
        to.toSorted(),
      )
    })

    it('is one line of printable ASCII, whatever the subject holds', async () => {
      const Subject = `=?utf-8?B?${Buffer.from('a\r\nBcc: x@y.example\r\n\r\n\u0000grüße').toString('base64')}?=`
      const { mail } = await relay(product, { to: ['worded@yours.example'], headers: { Subject } })
      const { Explanation = '' } = await bounceOf(product, mail)
      assert.match(Explanation, /"a Bcc: x@y\.example \?gr\?\?e"/)
      assert.match(Explanation, /^[ -~]{1,500}$/)
    })

    it('has the bounce sender of the rule', async () => {
      const { mail } = await relay(product, { to: ['own-sender@yours.example'] })
      const { BounceSender } = await bounceOf(product, mail)
      assert.equal(BounceSender, 'no-reply@bounces.yours.example')
    })

    it("goes to the sender of record in the mail's own region", async () => {
      const region = 'us-west-2'
      const { mail } = await relay(product, {
        to: ['plain-1@yours.example'],
        region,
        from: 'relay@other.example',
      })
      await bounceOf(product, mail)
      const [job] = product.jobs({ sesId: mail.sesId })
      assert.deepEqual([job?.region, job?.sender, job?.state], [region, 'someone@origin.example', 'sent'])
    })
  })

  it('expressions between slashes decide by decoded subject and whole address', async () => {
    const bounced = async (to: string, subject: string) => {
      const Subject = `=?utf-8?B?${Buffer.from(subject).toString('base64')}?=`
      const { reply, mail } = await relay(product, { to: [to], headers: { Subject } })
      assert.equal(reply.code, 250, reply.text)
      return product.jobs({ sesId: mail.sesId }).length > 0
    }
    const to = 'Order-77@yours.example'
    assert.deepEqual(
      [
        await bounced(to, 'Your REFUND\r\n of € 1500'),
        await bounced(to, 'FINAL Notice'),
        await bounced(to, 'Final notice'),
        await bounced(to, `refund ${'€ 99 '.repeat(2000)}`),
        await bounced('my-order-77@yours.example', 'Your refund of € 1500'),
      ],
      [true, true, false, false, false],
    )
  })

  describe('the report of a decision', () => {
    it('is in transaction.results', async () => {
      const { mail } = await relay(product, {
        to: ['plain-1@yours.example', 'user@yours.example', 'abuse@yours.example'],
        spam: 'FAIL',
      })
      const note = noted(product.haraka).find(({ sesId }) => sesId === mail.sesId)
      const unsafe = { wanted: 'bounce', action: 'quarantine', reason: 'unsafe', detail: 'spam' }
      assert.deepEqual(note?.decisions, [
        { recipient: 'plain-1@yours.example', rule: 'plain', ...unsafe },
        { recipient: 'user@yours.example', wanted: 'accept', action: 'accept' },
        { recipient: 'abuse@yours.example', rule: 'named-role', ...unsafe },
      ])
    })

    it('is a line of the log for each recipient, with the job of a bounce', async () => {
      const { mail } = await relay(product, { to: ['plain-1@yours.example', 'user@yours.example'] })
      const [job] = product.jobs({ sesId: mail.sesId })
      const common = `sender=someone@origin.example ses_id=${mail.sesId}`
      const last = `action=accept recipient=user@yours.example ${common}`
      await product.haraka.waitForLog(last)
      const lines = linesOf(product, mail).map(line => line.replace(/^.*\[ses-bounce\] /, ''))
      assert.deepEqual(
        lines.filter(line => !line.startsWith('dispatcher: ')),
        [
          `rule=plain action=bounce recipient=plain-1@yours.example ${common} job=${job?.id} bounce=added`,
          last,
        ],
      )
    })

    it('names the job that a mail has already', async () => {
      const first = await relay(product, { to: ['plain-1@yours.example'] })
      const [job] = product.jobs({ sesId: first.mail.sesId })
      await relay(product, { to: ['plain-1@yours.example'], mail: first.mail })
      await product.haraka.waitForLog(`ses_id=${first.mail.sesId} job=${job?.id} bounce=known`)
    })
  })
})

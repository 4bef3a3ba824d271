// From a mail to a bounce: what SES is told, and which outcome keys of a rule change what.

import assert from 'node:assert/strict'
import {
  bounceOf,
  deliveredOf,
  keptOf,
  linesOf,
  mailFor,
  noted,
  relay,
  said,
  startFlow,
} from './support/flow'
import type { SesMailOptions } from './support/mail'
import type { Product } from './support/product'

const RULES = `[worded]
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

[delivered]
recipient = delivered@yours.example
action = bounce
bounce.type = TemporaryFailure
deliver = true

[tried]
recipient = tried@yours.example
action = bounce
mode = observe

[after-tried]
recipient = tried@yours.example
action = quarantine

[only-tried]
recipient = only-tried@yours.example
action = drop
mode = observe

[worded-reject]
recipient = rejected@yours.example
action = reject
reply = 5.7.26 No, thanks, {sender}; see "help"

[worded-defer]
recipient = deferred@yours.example
action = defer
reply = Come back later, {recipient}

[own-fallback]
recipient = own-fallback@yours.example
action = bounce
fallback = accept

[lenient]
recipient = lenient@yours.example
action = bounce
guard.spam = false
guard.virus = false
guard.replied = false
guard.own_domains = false
guard.authentication = none

[severe]
recipient = severe@yours.example
action = bounce
guard.list_mail = true
guard.authentication = strict

[named-role]
recipient = abuse@yours.example
action = bounce
`

describe('from a mail to a bounce', function () {
  this.timeout(30_000)
  let product: Product
  before(async () => {
    product = await startFlow({ rules: RULES, ses: { identities: ['yours.example'], messages: [] } })
  })
  after(() => product.stop())

  describe('what SES is told', () => {
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

  describe('a rule', () => {
    it('bounces and delivers all the same', async () => {
      const { reply, mail } = await relay(product, {
        to: ['delivered@yours.example', 'plain-1@yours.example'],
      })
      assert.equal(said(reply), '250 captured')
      assert.deepEqual(deliveredOf(product, mail), [{ hook: 'queue', to: ['delivered@yours.example'] }])
      const { BouncedRecipientInfoList = [] } = await bounceOf(product, mail)
      assert.deepEqual(
        BouncedRecipientInfoList.map(({ Recipient, BounceType }) => `${Recipient} ${BounceType}`).toSorted(),
        ['delivered@yours.example TemporaryFailure', 'plain-1@yours.example DoesNotExist'],
      )
    })

    it('that only observes is logged, and the next one decides', async () => {
      const { reply, mail } = await relay(product, { to: ['tried@yours.example'] })
      assert.equal(reply.code, 250)
      assert.deepEqual(product.jobs({ sesId: mail.sesId }), [])
      assert.deepEqual(
        keptOf(product, mail).flatMap(({ record }) => record.held.map(({ rule }) => rule)),
        ['after-tried'],
      )
      await product.haraka.waitForLog(
        `rule=tried action=bounce recipient=tried@yours.example ses_id=${mail.sesId} mode=observe`,
      )
    })

    it('that only observes changes nothing when no other follows', async () => {
      const { mail } = await relay(product, { to: ['only-tried@yours.example'] })
      assert.deepEqual(deliveredOf(product, mail), [{ hook: 'queue', to: ['only-tried@yours.example'] }])
      await product.haraka.waitForLog(
        `rule=only-tried action=drop recipient=only-tried@yours.example ses_id=${mail.sesId} mode=observe`,
      )
    })

    it('refuses in its own words, never split', async () => {
      const { reply } = await relay(product, { to: ['rejected@yours.example'] })
      assert.equal(said(reply), '550 5.7.26 No, thanks, someone@origin.example; see "help"')
    })

    it('refuses for now in its own words', async () => {
      const { reply } = await relay(product, { to: ['deferred@yours.example'] })
      assert.equal(said(reply), '450 4.7.1 Come back later, deferred@yours.example')
    })

    it('has its own fallback', async () => {
      const { reply, mail } = await relay(product, { to: ['own-fallback@yours.example'], sender: '' })
      assert.equal(said(reply), '250 captured')
      assert.deepEqual(deliveredOf(product, mail), [{ hook: 'queue', to: ['own-fallback@yours.example'] }])
    })

    const unsafe: Record<string, SesMailOptions> = {
      spam: { spam: 'FAIL' },
      'a virus': { virus: 'FAIL' },
      'an automatic reply': { headers: { 'Auto-Submitted': 'auto-replied' } },
      'a sender of our own': { sender: 'someone@yours.example' },
      'a sender without proof': { spf: 'fail', dkim: [], dmarc: null },
    }
    for (const [what, options] of Object.entries(unsafe)) {
      it(`bounces ${what} when it says so, and only then`, async () => {
        const lenient = await relay(product, { to: ['lenient@yours.example'], ...options })
        await bounceOf(product, lenient.mail)
        const plain = await relay(product, { to: ['plain-1@yours.example'], ...options })
        assert.deepEqual(product.jobs({ sesId: plain.mail.sesId }), [])
        assert.equal(keptOf(product, plain.mail).length, 1)
      })
    }

    const doubtful: Record<string, SesMailOptions> = {
      'list mail': { headers: { 'List-Id': '<list.origin.example>' } },
      'a sender with no more proof than SPF': { dkim: [], dmarc: null },
    }
    for (const [what, options] of Object.entries(doubtful)) {
      it(`doesn't bounce ${what} when it says so, and only then`, async () => {
        const severe = await relay(product, { to: ['severe@yours.example'], ...options })
        assert.deepEqual(product.jobs({ sesId: severe.mail.sesId }), [])
        assert.equal(keptOf(product, severe.mail).length, 1)
        const plain = await relay(product, { to: ['plain-1@yours.example'], ...options })
        await bounceOf(product, plain.mail)
      })
    }

    it('bounces a role address that it names', async () => {
      const { mail } = await relay(product, { to: ['abuse@yours.example'] })
      await bounceOf(product, mail)
    })
  })

  describe('what others see of a decision', () => {
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

    it('is a line of the log for each recipient, and one for each bounce with its job', async () => {
      const { mail } = await relay(product, { to: ['plain-1@yours.example', 'user@yours.example'] })
      const [job] = product.jobs({ sesId: mail.sesId })
      const added = `bounce=added rule=plain recipient=plain-1@yours.example ses_id=${mail.sesId} job=${job?.id}`
      await product.haraka.waitForLog(added)
      const common = `sender=someone@origin.example ses_id=${mail.sesId}`
      const lines = linesOf(product, mail).map(line => line.replace(/^.*\[ses-bounce\] /, ''))
      assert.deepEqual(
        lines.filter(line => !line.startsWith('dispatcher: ')),
        [
          `rule=plain action=bounce recipient=plain-1@yours.example ${common}`,
          `action=accept recipient=user@yours.example ${common}`,
          added,
        ],
      )
    })

    it('names the job that a mail has already', async () => {
      const first = await relay(product, { to: ['plain-1@yours.example'] })
      const [job] = product.jobs({ sesId: first.mail.sesId })
      await relay(product, { to: ['plain-1@yours.example'], mail: first.mail })
      await product.haraka.waitForLog(`ses_id=${first.mail.sesId} job=${job?.id}`)
    })
  })
})

describe('the whole plugin in mode observe', function () {
  this.timeout(30_000)
  let product: Product
  before(async () => {
    product = await startFlow({ rules: RULES, ini: { main: { mode: 'observe' } } })
  })
  after(() => product.stop())

  const actions: Record<string, string> = {
    'plain-1@yours.example': 'rule=plain action=bounce',
    'rejected@yours.example': 'rule=worded-reject action=reject',
    'deferred@yours.example': 'rule=worded-defer action=defer',
    'tried@yours.example': 'rule=after-tried action=quarantine',
  }
  for (const [recipient, decision] of Object.entries(actions)) {
    it(`logs ${decision}, and delivers`, async () => {
      const mail = mailFor(product, [recipient])
      const { reply } = await relay(product, { to: [recipient], mail })
      assert.equal(said(reply), '250 captured')
      assert.deepEqual(deliveredOf(product, mail), [{ hook: 'queue', to: [recipient] }])
      assert.deepEqual(product.jobs(), [])
      assert.deepEqual(keptOf(product, mail), [])
      const line = await product.haraka.waitForLog(`${decision} recipient=${recipient}`)
      assert.ok(line.includes(`ses_id=${mail.sesId}`), line)
      assert.ok(line.endsWith('mode=observe'), line)
    })
  }

  it('has nothing to send', () => {
    assert.deepEqual(product.ses.calls, [])
  })
})

// Bounces that a rule wants and that can't be made: what the relay is told, reason by reason, and what is kept.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { holdDispatcher } from './support/dispatcher'
import { assertUntouched, callsFor, keptOf, type RelayOptions, relay, said, startFlow } from './support/flow'
import { newSesId, plainMail } from './support/mail'
import type { Product } from './support/product'

const RULES = `[held]
recipient = held@yours.example
action = bounce
fallback = quarantine

[dropped]
recipient = dropped@yours.example
action = bounce
fallback = drop

[deferred]
recipient = deferred@yours.example
action = bounce
bounce.type = DoesNotExist
fallback = defer

[unknown]
recipient = *@yours.example, *@elsewhere.example
action = bounce
bounce.type = DoesNotExist
`

const HOUR_MS = 3_600_000

/** The words for the guard that holds, with a mail for each. */
const UNSAFE: Record<string, RelayOptions> = {
  'null sender': { sender: '' },
  'NOTIFY=NEVER': { rcptParams: 'NOTIFY=NEVER' },
  'sender is one of our own domains': { sender: 'someone@sub.yours.example' },
  'automatic reply': { headers: { 'Auto-Submitted': 'auto-replied (vacation)' } },
  'delivery report': {
    headers: { 'Content-Type': 'multipart/report; report-type=delivery-status; boundary=b' },
  },
  virus: { virus: 'FAIL' },
  spam: { spam: 'FAIL' },
  'list mail': { headers: { Precedence: 'bulk' } },
  'role address': { to: ['Postmaster@yours.example'] },
  'sender not authenticated': {
    spf: 'fail',
    dkim: [{ result: 'pass', domain: 'other.example' }],
    dmarc: { result: 'pass', domain: 'other.example' },
  },
}

describe('a bounce that a rule wants', function () {
  let product: Product
  before(async () => {
    product = await startFlow({
      rules: RULES,
      ini: {
        ses: { regions: 'eu-west-1, us-west-2' },
        fallback: { unsafe: 'reject', no_receipt: 'reject', mismatch: 'reject', ended: 'reject' },
        guard: { list_mail: 'true' },
      },
      ses: {
        messages: [],
        faults: ({ params }) =>
          params['Explanation'] === undefined && params['BounceSender']?.endsWith('@elsewhere.example')
            ? { kind: 'error', status: 400, code: 'MessageRejected', message: 'Message not found.' }
            : undefined,
      },
    })
  })
  after(() => product.stop())

  describe('and a guard prevents', () => {
    for (const [why, options] of Object.entries(UNSAFE)) {
      it(`is refused: ${why}`, async () => {
        const { reply, mail } = await relay(product, options)
        assert.equal(said(reply), `550 5.1.1 No such mailbox (not bounced: ${why})`)
        assertUntouched(product, mail)
        await product.haraka.waitForLog(
          new RegExp(`rule=unknown action=reject .*ses_id=${mail.sesId} wanted=bounce because=unsafe`),
        )
      })
    }

    it('is refused temporarily, when the rule says so', async () => {
      const { reply, mail } = await relay(product, { to: ['deferred@yours.example'], sender: '' })
      assert.equal(said(reply), '450 4.1.1 No such mailbox (not bounced: null sender)')
      assertUntouched(product, mail)
    })

    it('is quarantined with the reason, when the rule says so', async () => {
      const { reply, mail } = await relay(product, { to: ['held@yours.example'], sender: '' })
      assert.equal(said(reply), '250 Message accepted by policy')
      assert.deepEqual(
        keptOf(product, mail).map(({ record }) => record.held),
        [[{ recipient: 'held@yours.example', rule: 'held', reason: 'unsafe: null sender' }]],
      )
    })

    it('is dropped with a log line, when the rule says so', async () => {
      const { reply, mail } = await relay(product, { to: ['dropped@yours.example'], sender: '' })
      assert.equal(said(reply), '250 Message accepted by policy')
      assertUntouched(product, mail)
      await product.haraka.waitForLog(
        new RegExp(`rule=dropped action=drop .*ses_id=${mail.sesId} wanted=bounce`),
      )
    })
  })

  describe('and that cannot be made', () => {
    it('is refused after 24 hours', async () => {
      const receivedAt = new Date(Date.now() - 24 * HOUR_MS)
      const { reply, mail } = await relay(product, { receivedAt })
      assert.equal(said(reply), '550 5.4.7 No such mailbox (not bounced: later than 24h after its receipt)')
      assertUntouched(product, mail)
    })

    it('is made before that', async () => {
      const receivedAt = new Date(Date.now() - 23.5 * HOUR_MS)
      const { reply, mail } = await relay(product, { receivedAt })
      assert.equal(reply.code, 250, reply.text)
      assert.equal((await callsFor(product, mail)).length, 1)
    })

    it('is refused for a mail that SES never had', async () => {
      const mail = {
        data: plainMail(),
        sesId: newSesId(),
        receivedAt: new Date(),
        sender: undefined,
        recipient: undefined,
      }
      const { reply } = await relay(product, { mail })
      assert.equal(said(reply), '550 5.1.1 No such mailbox (not bounced: no Received line of SES)')
      assertUntouched(product, mail)
    })

    it("is refused without SES's Return-Path", async () => {
      const { reply, mail } = await relay(product, { returnPath: null })
      assert.equal(said(reply), '550 5.1.1 No such mailbox (not bounced: no Return-Path of SES)')
      assertUntouched(product, mail)
    })

    it('is refused for a region that is not in use', async () => {
      const { reply, mail } = await relay(product, { region: 'us-east-1' })
      assert.equal(said(reply), '550 5.1.1 No such mailbox (not bounced: region us-east-1 is not in use)')
      assertUntouched(product, mail)
    })

    it('is refused for recipients that SES did not have', async () => {
      const { reply, mail } = await relay(product, {
        sesRecipients: ['user@yours.example'],
        to: ['other@elsewhere.example', 'third@elsewhere.example'],
      })
      assert.equal(said(reply), '550 5.1.1 No such mailbox (not bounced: recipient not known to SES)')
      assertUntouched(product, mail)
    })

    it('is refused when it has failed before', async () => {
      const first = await relay(product, { to: ['user@elsewhere.example'] })
      assert.equal(first.reply.code, 250, first.reply.text)
      assert.equal((await callsFor(product, first.mail)).length, 1)
      const [job] = product.jobs({ sesId: first.mail.sesId })
      assert.equal(job?.state, 'failed')
      const again = await relay(product, { to: ['user@elsewhere.example'], mail: first.mail })
      assert.equal(
        said(again.reply),
        `550 5.1.1 No such mailbox (not bounced: its bounce has failed already, as job ${job.id})`,
      )
      assert.equal((await callsFor(product, first.mail)).length, 1)
    })
  })
})

describe('a queue that is too long for the window', function () {
  let product: Product
  before(async () => {
    product = await startFlow({
      rules: RULES,
      ini: { window: { length: '60s', margin: '1s' }, limit: { interval: '25s' } },
    })
  })
  after(async () => {
    // its next call is seconds away
    await product.haraka.stop({ graceMs: 100 })
    await product.stop()
  })

  it('accepts bounces that can start in time, and refuses the rest', async function () {
    if (!existsSync('/proc/self/stat')) this.skip()
    // at 0, 25, 50 and 75 s, of the 59 s that there are
    const release = await holdDispatcher(product)
    const replies: string[] = []
    for (let place = 0; place < 4; place++) replies.push(said((await relay(product)).reply))
    release()
    assert.deepEqual(replies, [
      '250 Message accepted by policy',
      '250 Message accepted by policy',
      '250 Message accepted by policy',
      '550 5.4.5 No such mailbox (not bounced: the queue is too long for its deadline)',
    ])
  })

  it('still accepts mail that needs no place in it', async () => {
    const { reply } = await relay(product, { region: 'us-west-2' })
    assert.equal(said(reply), '250 Message accepted by policy')
  })

  it('refuses mail whose own window has ended', async () => {
    const { reply } = await relay(product, { receivedAt: new Date(Date.now() - 60_000) })
    assert.equal(said(reply), '550 5.4.7 No such mailbox (not bounced: later than 1m after its receipt)')
  })
})

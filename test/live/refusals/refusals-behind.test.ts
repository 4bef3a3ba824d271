// Refusals of servers behind Haraka: smtp_proxy hands each recipient on at rcpt_ok, smtp_forward the mail at the end.
// The server is another real Haraka.

import assert from 'node:assert/strict'
import { assertUntouched, bounceOf, keptOf, recipientsOf, relay, said } from '../support/flow'
import { type RunningHaraka, startHaraka } from '../support/haraka'
import type { SesMail } from '../support/mail'
import type { Product } from '../support/product'
import { refuserFiles, startRefusing, WORDS } from '../support/refusers'
import { replyText } from '../support/smtp'

const GOOD = 'user@yours.example'
const ANOTHER = 'another@yours.example'

const RULES = `
[behind]
refused.by = queue/smtp_proxy, queue/smtp_forward, ldap
not.subject = *leave it*
action = bounce
`

describe('a server behind Haraka', function () {
  let behind: RunningHaraka
  before(async () => {
    behind = await startHaraka({
      plugins: ['gate', 'box', 'scan'],
      files: refuserFiles([{ name: 'gate' }, { name: 'box' }, { name: 'scan' }]),
    })
  })
  after(async () => {
    await behind.stop()
    behind.remove()
  })

  const received = ({ sesId }: SesMail) =>
    behind
      .delivered()
      .filter(({ data }) => data.includes(sesId))
      .flatMap(({ to }) => to)

  describe('that smtp_proxy asks', function () {
    let product: Product
    before(async () => {
      product = await startRefusing({
        above: [{ name: 'ldap' }],
        plugins: ['queue/smtp_proxy'],
        rules: RULES,
        files: { 'config/smtp_proxy.ini': `host=127.0.0.1\nport=${behind.port}\n`, 'plugins/capture.js': '' },
      })
    })
    after(() => product.stop())

    it('refuses one of two recipients, which is bounced', async () => {
      const bad = 'box.rcpt.text@yours.example'
      for (const to of [
        [bad, GOOD],
        [GOOD, bad],
      ]) {
        const { reply, mail } = await relay(product, { to })
        assert.equal(reply.code, 250, replyText(reply))
        assert.deepEqual(received(mail), [GOOD])
        const bounce = await bounceOf(product, mail)
        assert.deepEqual(recipientsOf(bounce), [bad])
        const [{ RecipientDsnFields: fields } = {}] = bounce.BouncedRecipientInfoList ?? []
        assert.equal(fields?.DiagnosticCode, `smtp; 550 5.7.1 ${WORDS.text}`)
      }
    })

    it('refuses all recipients, and DATA with them: all are bounced', async () => {
      const to = ['box.rcpt.text@yours.example', 'box.rcpt.coded@yours.example']
      const { reply, mail } = await relay(product, { to })
      assert.equal(reply.code, 250, replyText(reply))
      assert.deepEqual(received(mail), [])
      const jobs = product.jobs({ sesId: mail.sesId })
      assert.deepEqual(
        jobs.flatMap(({ recipients }) => recipients.map(({ address }) => address)).toSorted(),
        to.toSorted(),
      )
    })

    it('refuses DATA for want of recipients that another plugin has refused before', async () => {
      const to = ['ldap.rcpt.text@yours.example']
      const { reply, mail } = await relay(product, { to })
      assert.equal(reply.code, 250, replyText(reply))
      assert.deepEqual(received(mail), [])
      assert.deepEqual(recipientsOf(await bounceOf(product, mail)), to)
    })

    it('refuses the sender, and the mail is bounced', async () => {
      const { reply, mail } = await relay(product, { to: [GOOD], sender: 'gate.mail.text@origin.example' })
      assert.equal(reply.code, 250, replyText(reply))
      assert.deepEqual(received(mail), [])
      assert.deepEqual(recipientsOf(await bounceOf(product, mail)), [GOOD])
    })

    it('refuses the mail at its end, and it is bounced to the one recipient', async () => {
      const { reply, mail } = await relay(product, {
        to: [GOOD],
        sender: 'scan.data_post.text@origin.example',
      })
      assert.equal(reply.code, 250, replyText(reply))
      assert.deepEqual(received(mail), [])
      assert.deepEqual(recipientsOf(await bounceOf(product, mail)), [GOOD])
    })

    it('has heard of a recipient that another plugin refuses at rcpt_ok: the refusal stands', async () => {
      const { reply, mail } = await relay(product, { to: ['ldap.rcpt_ok.text@yours.example'] })
      assert.match(said(reply), new RegExp(`^550 .*${WORDS.text}$`))
      assertUntouched(product, mail)
      assert.deepEqual(received(mail), [])
    })

    it('is heard by the relay where no rule is about its refusal after all', async () => {
      const to = ['box.rcpt.coded@yours.example']
      const { reply, mail } = await relay(product, { to, headers: { Subject: 'leave it' } })
      assert.equal(said(reply).replace(/\[.*?\] /, ''), `550 ${WORDS.coded}`)
      assertUntouched(product, mail)
      assert.deepEqual(received(mail), [])
    })
  })

  for (const isSingle of [false, true]) {
    const mode = isSingle ? ' one message for each recipient' : ''
    describe(`to which smtp_forward gives mail${mode}`, function () {
      let product: Product
      before(async () => {
        const more = isSingle ? 'one_message_per_rcpt=true\n' : ''
        product = await startRefusing({
          above: [{ name: 'ldap' }],
          plugins: ['queue/smtp_forward'],
          ini: { delivery: { split: 'false' } },
          rules: RULES,
          files: { 'config/smtp_forward.ini': `host=127.0.0.1\nport=${behind.port}\n${more}` },
        })
      })
      after(() => product.stop())

      for (const to of ['box.rcpt.text@yours.example', GOOD]) {
        it(`refuses ${to === GOOD ? 'the mail' : 'the recipient'}, which is bounced with its words`, async () => {
          const sender = to === GOOD ? 'scan.data_post.text@origin.example' : 'someone@origin.example'
          const { reply, mail } = await relay(product, { to: [to], sender })
          assert.equal(reply.code, 250, replyText(reply))
          assert.deepEqual(received(mail), [])
          const bounce = await bounceOf(product, mail)
          assert.deepEqual(recipientsOf(bounce), [to])
          const [{ RecipientDsnFields: fields } = {}] = bounce.BouncedRecipientInfoList ?? []
          assert.match(fields?.DiagnosticCode ?? '', new RegExp(`^smtp; 550 5\\.7\\.1 ${WORDS.text}`))
          assert.deepEqual(product.haraka.delivered(), [])
        })
      }

      it('refuses one recipient, after a plugin has refused another one', async () => {
        const to = ['ldap.rcpt.text@yours.example', 'box.rcpt.text@yours.example']
        const { reply, mail } = await relay(product, { to })
        assert.equal(reply.code, 250, replyText(reply))
        assert.deepEqual(received(mail), [])
        const jobs = product.jobs({ sesId: mail.sesId })
        assert.deepEqual(
          jobs.flatMap(({ recipients }) => recipients.map(({ address }) => address)).toSorted(),
          to.toSorted(),
        )
      })

      it('refuses several recipients at once, and the mail is quarantined for all', async () => {
        const to = [ANOTHER, 'box.rcpt.text@yours.example', GOOD]
        const { reply, mail } = await relay(product, { to })
        assert.equal(reply.code, 250, replyText(reply))
        assert.deepEqual(received(mail), isSingle ? [ANOTHER] : [])
        assert.deepEqual(
          keptOf(product, mail)
            .flatMap(({ record }) => record.held.map(({ recipient }) => recipient))
            .toSorted(),
          to.toSorted(),
        )
        assert.deepEqual(product.jobs({ sesId: mail.sesId }), [])
        assert.deepEqual(product.haraka.delivered(), [])
      })
    })
  }
})

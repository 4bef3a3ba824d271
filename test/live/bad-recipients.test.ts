import assert from 'node:assert/strict'
import { plainMail, sesMail } from './support/mail'
import { replyText } from './support/smtp'
import { FROM, strictProduct, TO } from './support/strict'
import { onlyJob, reasonsHeld, tellSes } from './support/unharmed'
import { until } from './support/wait'

describe('odd recipients', function () {
  const strict = strictProduct()
  const { send, genuine } = strict

  const host = `@${'b'.repeat(50)}.${'c'.repeat(50)}.${'d'.repeat(50)}.${'e'.repeat(28)}.example`
  const longest = `${'l'.repeat(64)}${host}`
  const taken: [what: string, recipient: string, atSes: string][] = [
    ['in quotes', '"a b"@yours.example', '"a b"@yours.example'],
    ['with a quote in quotes', '"a\\"b"@yours.example', '"a\\"b"@yours.example'],
    ['with an @ in quotes', '"a@b"@yours.example', '"a@b"@yours.example'],
    ['of an international domain', 'user@bücher.example', 'user@xn--bcher-kva.example'],
    ['in upper case', 'USER@YOURS.EXAMPLE', 'USER@YOURS.EXAMPLE'],
    ['with a tag', 'user+tag=x@yours.example', 'user+tag=x@yours.example'],
    ['of 64 characters before the @', `${'l'.repeat(64)}@yours.example`, `${'l'.repeat(64)}@yours.example`],
    ['of 254 octets', longest, longest],
  ]
  for (const [what, recipient, atSes] of taken) {
    it(`${what}: bounced in the form that SES accepts`, async () => {
      const mail = sesMail({ recipient, headers: { To: 'undisclosed-recipients:;' } })
      tellSes(strict.product, { ...mail, recipient: atSes })
      assert.match(await send(mail.data, recipient), /^250 Message accepted by policy/)
      const ended = await until(
        () => {
          const job = onlyJob(strict.product, mail.sesId)
          return job.state !== 'queued' && job.state !== 'sending' && job
        },
        { what: 'the bounce' },
      )
      assert.equal(ended.state, 'sent', ended.reason)
    })
  }

  it('that SES can not have had: no bounce', async () => {
    for (const recipient of ['grüße@yours.example', 'user\u009b@yours.example', 'user@[192.0.2.1]']) {
      const mail = genuine({ recipient })
      assert.match(
        await send(mail.data, recipient),
        /^(550 5\.1\.1 .*(?:not known to SES|is not ASCII)|250 Message accepted by policy)/,
        recipient,
      )
      assert.deepEqual(strict.product.jobs({ sesId: mail.sesId }), [], recipient)
    }
  })

  it('that are none: refused by Haraka itself', async () => {
    const refused = [
      `l${longest}`,
      `${'l'.repeat(300 - host.length)}${host}`,
      'x'.repeat(300),
      'user',
      'a@b@c.example',
    ]
    for (const recipient of [
      ...refused,
      '"\x1b[31m"@yours.example',
      'a b@yours.example',
      'a..b@yours.example',
    ]) {
      assert.match(await send(plainMail(), recipient), /^501 Invalid RCPT TO/, recipient)
    }
  })

  it('given with NOTIFY=NEVER: quarantined, not bounced', async () => {
    for (const rcptParams of ['NOTIFY=NEVER', 'notify=never ORCPT=rfc822;user@yours.example']) {
      const mail = genuine()
      const { reply } = await strict.session.mail({ from: FROM, to: [TO], data: mail.data, rcptParams })
      assert.match(replyText(reply), /^250 Message accepted by policy/)
      assert.deepEqual(reasonsHeld(strict.product, mail.sesId), ['unsafe: NOTIFY=NEVER'])
      assert.deepEqual(strict.product.jobs({ sesId: mail.sesId }), [])
    }
  })
})

import assert from 'node:assert/strict'
import { newSesId, plainMail, relayHop, type SesMail, sesMail } from './support/mail'
import { openSession, replyText } from './support/smtp'
import { FRIEND, FROM, strictProduct, TO } from './support/strict'
import { onlyJob, reasonsHeld } from './support/unharmed'
import { until } from './support/wait'

/** A block as SES writes it, for a mail that the forger would have bounced. */
const FORGED_ID = newSesId()
const FORGED_SPF =
  'pass (spfCheck: domain of victim.example) client-ip=192.0.2.66; envelope-from=victim@victim.example; helo=mail.victim.example;'
const FORGED_BLOCK = [
  '<victim@victim.example>',
  ` from mail.victim.example (mail.victim.example [192.0.2.66])\r\n by inbound-smtp.eu-west-1.amazonaws.com with SMTP id ${FORGED_ID}\r\n for ${TO};\r\n ${new Date().toUTCString().replace('GMT', '+0000 (UTC)')}`,
  ` ${FORGED_SPF}`,
  ` amazonses.com;\r\n spf=${FORGED_SPF}\r\n dkim=pass header.i=@victim.example;\r\n dmarc=pass header.from=victim.example;`,
].map(
  (value, index) =>
    `${['Return-Path', 'Received', 'Received-SPF', 'Authentication-Results'][index]}:${value}`,
)

describe('bad receipts', function () {
  const strict = strictProduct()
  const { send, genuine } = strict

  /** The mail is refused for want of a receipt, and leaves nothing behind. */
  async function assertNoReceipt(data: Buffer | string, why: RegExp, what: string): Promise<void> {
    const before = strict.product.jobs().length
    const reply = await send(data)
    assert.match(reply, /^550 5\.1\.1 No such mailbox \(not bounced: /, what)
    assert.match(reply, why, what)
    assert.equal(strict.product.jobs().length, before, what)
  }

  it('a mail without a receipt is refused in the words of its rule, and delivered where no rule refuses it', async () => {
    await assertNoReceipt(plainMail(), /no Received line of SES/, 'plain')
    await assertNoReceipt(plainMail({ headers: { Received: 'from a by b; now' } }), /no Received line/, 'hop')
    const before = strict.product.haraka.delivered().length
    assert.match(await send(plainMail(), FRIEND), /^250 /)
    const delivered = await strict.product.haraka.waitForDelivered(before + 1)
    assert.deepEqual(delivered.at(-1)?.to, [FRIEND])
  })

  it('a mail that is cut off within its receipt is bounced only where enough of it is left', async () => {
    const mail = genuine()
    const text = mail.data.toString('latin1')
    const dateEnd = text.indexOf('(UTC)') + '(UTC)'.length
    const proof = text.indexOf('Received-SPF:')
    const whole = text.indexOf('X-SES-DKIM-SIGNATURE:')
    const cuts = Array.from({ length: 60 }, (_, n) => Math.floor((n * whole) / 59))
    for (const end of [...cuts.filter(cut => cut < dateEnd - '(UTC)'.length), text.indexOf('(UTC)') + 3]) {
      const reply = await send(text.slice(0, end))
      assert.match(reply, /^550 5\.1\.1 .*\(not bounced: /, text.slice(0, end))
    }
    for (const end of cuts.filter(cut => cut > dateEnd && cut <= proof)) {
      assert.match(await send(text.slice(0, end)), /^250 /, text.slice(0, end))
    }
    assert.deepEqual(strict.product.jobs({ sesId: mail.sesId }), [])
    assert.ok(
      reasonsHeld(strict.product, mail.sesId).every(
        reason => reason === "unsafe: sender not authenticated: SES's results aren't closed by X-SES-RECEIPT",
      ),
    )
    assert.match(await send(text.slice(0, whole)), /^250 /)
    assert.equal(onlyJob(strict.product, mail.sesId).recipients[0]?.address, TO)
  })

  it('an impossible id gives no bounce', async () => {
    const ids = [
      '',
      'x',
      '???',
      '../../etc/passwd',
      'a'.repeat(200),
      '<id>',
      'a b',
      'ид-почты-длинный',
      "'; DROP",
      '"x',
    ]
    for (const sesId of ids) {
      await assertNoReceipt(sesMail({ sesId }).data, /no readable id/, JSON.stringify(sesId))
    }
  })

  it('an impossible region gives no bounce', async () => {
    const regions = [
      '',
      'x',
      'eu-west-1.evil',
      'EU_WEST_1',
      '127.0.0.1/',
      'eu-west-1\\@evil',
      '{region}',
      'é-west-1',
    ]
    for (const region of regions) {
      await assertNoReceipt(sesMail({ region }).data, /SES's Received line/, region)
    }
  })

  it('an impossible date gives no bounce', async () => {
    const { data, receivedAt } = sesMail()
    const date = receivedAt.toUTCString().replace('GMT', '+0000 (UTC)')
    const dates = [
      '',
      'soon',
      '31 Feb 2026 10:00:00 +0000',
      '1 Jan 2026 25:00:00 +0000',
      '1 Jan 2026 10:00:00',
      '1 Jan 2026 10:00:00 +9999',
      '0',
      '9'.repeat(400),
      '1 Jan 292278994 10:00:00 +0000',
      'Invalid Date',
      date.replace(':', '\0'),
    ]
    for (const bad of dates) {
      // only the topmost: the one in SES's line
      const mail = data.toString('latin1').replace(date, () => bad)
      await assertNoReceipt(mail, /SES's Received line has no readable date/, bad)
    }
  })

  it('a receipt of 1970 is outside the window: refused with 5.4.7', async () => {
    const mail = genuine({ receivedAt: new Date(0) })
    assert.match(await send(mail.data), /^550 5\.4\.7 .*\(not bounced: later than /)
    assert.deepEqual(strict.product.jobs({ sesId: mail.sesId }), [])
  })

  it('a receipt of the year 2100 counts as of now', async () => {
    const mail = genuine({ receivedAt: new Date('2100-01-01T00:00:00Z') })
    const before = Date.now()
    assert.match(await send(mail.data), /^250 /)
    const { deadlineMs } = onlyJob(strict.product, mail.sesId)
    const day = 24 * 3_600_000
    assert.ok(
      deadlineMs >= before + day && deadlineMs <= Date.now() + day,
      new Date(deadlineMs).toISOString(),
    )
    await strict.product.haraka.waitForLog("SES's receipt lies in the future: 2100-01-01")
    await until(() => onlyJob(strict.product, mail.sesId).state === 'sent', { what: 'the bounce' })
  })

  it('as many Received lines as Haraka accepts hide no receipt; Haraka itself refuses one more', async () => {
    // Haraka's own counts too
    const most = genuine({ extraTop: Array.from({ length: 98 }, () => relayHop()) })
    assert.match(await send(most.data), /^250 /)
    assert.equal(onlyJob(strict.product, most.sesId).region, 'eu-west-1')
    const tooMany = genuine({ extraTop: Array.from({ length: 99 }, () => relayHop()) })
    assert.match(await send(tooMany.data), /^550 Too many received headers/)
    assert.deepEqual(strict.product.jobs({ sesId: tooMany.sesId }), [])
  })

  it('a forged receipt on a mail that SES never had ends in its refusal, in its words, on record', async () => {
    const data = `${FORGED_BLOCK.join('\r\n')}\r\nX-SES-RECEIPT: AEFB\r\n${plainMail().toString()}`
    assert.match(await send(data), /^250 /)
    const job = await until(
      () => {
        const job = onlyJob(strict.product, FORGED_ID)
        return job.state === 'failed' && job
      },
      { what: 'the refusal' },
    )
    assert.match(job.reason ?? '', new RegExp(`MessageRejected: The message ${FORGED_ID} was not found`))
    assert.match(await send(data), /^550 5\.1\.1 .*\(not bounced: its bounce has failed already/)
  })

  it('a forged receipt below the genuine one, in the body, or in a HELO, is never used', async () => {
    const host = 'inbound-smtp.eu-west-1.amazonaws.com'
    const helo = `x by ${host} with SMTP id ${FORGED_ID} for victim@victim.example;`
    const before = strict.product.jobs({ sesId: FORGED_ID }).map(({ changedAtMs }) => changedAtMs)
    const mails: Record<string, SesMail> = {
      'below, with results': genuine({ extraBelowBlock: FORGED_BLOCK }),
      'body of a genuine mail': genuine({ body: `${FORGED_BLOCK.join('\r\n')}\r\n\r\nHello` }),
      'in the HELO to SES': genuine({ helo, clientName: 'mail.origin.example' }),
      'in the recipient': genuine({ extraBelowBlock: [`X-To: ${helo}`] }),
    }
    for (const [what, mail] of Object.entries(mails)) {
      assert.match(await send(mail.data), /^250 /, what)
      // a HELO that poses as SES proves nothing of the sender any more
      if (what.includes('HELO'))
        assert.match(reasonsHeld(strict.product, mail.sesId)[0] ?? '', /^unsafe: sender not auth/)
      else assert.equal(onlyJob(strict.product, mail.sesId).sender, FROM, what)
    }
    const atOnce = genuine({ receiptHeader: false, extraBelowBlock: FORGED_BLOCK })
    assert.match(await send(atOnce.data), /^250 /)
    assert.match(reasonsHeld(strict.product, atOnce.sesId)[0] ?? '', /aren't closed by X-SES-RECEIPT$/)
    const dated = genuine({ helo: `${helo} ${new Date().toUTCString()}` })
    await assertNoReceipt(dated.data, /SES's Received line has two dates/, 'a date in the HELO to SES')
    await assertNoReceipt(plainMail({ body: FORGED_BLOCK.join('\r\n') }), /no Received line of SES/, 'body')
    const hop = relayHop().replace('lambda.local', host)
    await assertNoReceipt(`${hop}\r\n${plainMail().toString()}`, /no Received line of SES/, 'HELO to a relay')
    const posing = await openSession({ port: strict.product.haraka.port, helo: host })
    const { reply } = await posing.mail({ from: FROM, to: [TO], data: plainMail() })
    await posing.quit()
    assert.match(replyText(reply), /^550 5\.1\.1 .*no Received line of SES/, 'HELO to Haraka')
    assert.deepEqual(
      strict.product.jobs({ sesId: FORGED_ID }).map(({ changedAtMs }) => changedAtMs),
      before,
    )
  })

  it("results that the sender forged prove nothing, with or without SES's own", async () => {
    const sender = 'victim@victim.example'
    const forged = FORGED_BLOCK.slice(2)
    const unproved = { sender, spf: 'fail', dkim: [], dmarc: { result: 'fail', domain: 'victim.example' } }
    const mails: Record<string, SesMail> = {
      'below SES’s': genuine({ ...unproved, extraBelowBlock: forged }),
      'right behind SES’s': genuine({ ...unproved, receiptHeader: false, extraBelowBlock: forged }),
      'below a block without results': genuine({
        ...unproved,
        spf: null,
        dmarc: null,
        extraBelowBlock: forged,
      }),
      'of another server': genuine({
        ...unproved,
        extraBelowBlock: ['Authentication-Results: mx.yours.example;\r\n dkim=pass header.i=@victim.example'],
      }),
      'on top': genuine({ ...unproved, extraTop: forged }),
    }
    for (const [what, mail] of Object.entries(mails)) {
      assert.match(await send(mail.data), /^250 /, what)
      assert.match(reasonsHeld(strict.product, mail.sesId).join(), /^unsafe: sender not authenticated/, what)
      assert.deepEqual(strict.product.jobs({ sesId: mail.sesId }), [], what)
    }
  })

  it('what Haraka itself changes in a header makes no forged result one of SES', async () => {
    const sender = 'victim@victim.example'
    const unproved = { sender, spf: 'fail', dkim: [], dmarc: null }
    const lie = 'dkim=pass header.i=@victim.example; dmarc=pass header.from=victim.example;'
    for (const form of ['classic', 'mail-manager'] as const) {
      for (const receiptHeader of [true, false]) {
        for (const first of [
          ` ${lie}`,
          `\t${lie}`,
          `\r${lie}`,
          `\r \r${lie}`,
          `X: y\r\n\r ${lie}`,
          `.${lie}`,
        ]) {
          const mail = genuine({ ...unproved, form, receiptHeader, extraBelowBlock: [first] })
          const reply = await send(mail.data)
          const what = JSON.stringify([form, receiptHeader, first])
          assert.deepEqual(strict.product.jobs({ sesId: mail.sesId }), [], what)
          // Mail Manager's Received is the last of SES's fields: continued, it is none
          assert.match(reply, /^(?:250 |550 5\.1\.1 .*SES's Received line)/, what)
        }
      }
    }
  })

  it("a line of SES's that Haraka breaks is read whole, or the mail has no receipt", async () => {
    const before = strict.product.jobs({ sesId: FORGED_ID }).length
    // SES writes it in one line in some regions; Haraka breaks it behind 990 bytes
    for (const length of [900, 930, 945, 950, 955, 960, 970]) {
      const mail = genuine({ helo: 'h'.repeat(length), clientName: 'x', extraBelowBlock: FORGED_BLOCK })
      const flat = mail.data
        .toString('latin1')
        .replace(/^(Received: .*)\r\n (by .*)\r\n (.*)\r\n /m, '$1 $2 $3 ')
      const reply = await send(flat)
      // a break between two words changes nothing
      if (length === 955) assert.match(reply, /^250 /)
      else assert.match(reply, /^550 5\.1\.1 .*SES's Received line can't be read/, String(length))
    }
    assert.equal(strict.product.jobs({ sesId: FORGED_ID }).length, before)
    const long = genuine()
    const closed = long.data
      .toString('latin1')
      .replace('X-SES-RECEIPT: ', `X-SES-RECEIPT: ${'A'.repeat(2500)}`)
    assert.match(await send(closed), /^250 /)
    assert.equal(onlyJob(strict.product, long.sesId).sender, FROM)
  })

  it("a DMARC pass for the author's domain causes no bounce to another person's address", async () => {
    const mail = genuine({
      sender: 'victim@victim.example',
      spf: 'fail',
      dkim: [{ result: 'pass', domain: 'author.example' }],
      dmarc: { result: 'pass', domain: 'author.example' },
      headers: { From: 'me@author.example' },
    })
    assert.match(await send(mail.data), /^250 /)
    assert.deepEqual(reasonsHeld(strict.product, mail.sesId), ['unsafe: sender not authenticated'])
    assert.deepEqual(strict.product.jobs({ sesId: mail.sesId }), [])
  })

  it('causes no other calls than those of the jobs', () => {
    const { product } = strict
    const ids = new Set(product.jobs().map(({ sesId }) => sesId))
    assert.deepEqual(
      product.ses.calls.filter(({ input }) => !ids.has(input?.OriginalMessageId ?? '')),
      [],
    )
  })
})

// Refusals of a server behind Haraka when Haraka delivers to it outbound, and the news for the sender.

import assert from 'node:assert/strict'
import {
  dsnRecipients,
  type MovableServer,
  route,
  send,
  startDelivery,
  startMovableServer,
  untilDelivered,
} from './support/delivery'
import { bounceOf, callsFor, keptOf, type RelayOptions, recipientsOf, said } from './support/flow'
import { rawKept } from './support/kept'
import type { SesMail } from './support/mail'
import { type MailServer, startMailServer, startTalkingServer } from './support/mail-server'
import type { Product } from './support/product'
import { until } from './support/wait'

const RULES = `[not-these]
refused.stage = delivery
envelope.recipient = stands-*@*
action = reject

[kept]
refused.stage = delivery
envelope.recipient = kept-*@*
action = quarantine

[dropped]
refused.stage = delivery
envelope.recipient = dropped-*@*
action = drop

[full]
refused.stage = delivery
refused.status = 5.2.2
action = bounce
bounce.text = The mailbox is full ({code} {status} {plugin})

[with-body]
refused.stage = delivery
body = *a dot at the beginning: .*
action = bounce
bounce.text = found in the body

[undeliverable]
refused.by = outbound
not.envelope.recipient = unruled-*@*
action = bounce
`

const EMPTIER = `'use strict'
exports.hook_bounce = (next, { todo }, error) => {
  if (todo.rcpt_to.some(({ address }) => address.startsWith('emptied'))) error.bounced_rcpt = []
  next()
}
`

const UNPROVED: RelayOptions = { spf: 'fail', dkim: [], dmarc: null }

describe('a delivery that the server behind Haraka refuses permanently', function () {
  let product: Product
  let server: MovableServer
  let other: MovableServer
  /** Where Haraka's own DSN goes. */
  let origin: MailServer
  before(async () => {
    server = await startMovableServer()
    other = await startMovableServer()
    origin = await startMailServer()
    product = await startDelivery({
      rules: RULES,
      plugins: ['ses-bounce', 'probe', 'aliases', 'emptier'],
      files: {
        'plugins/emptier.js': EMPTIER,
        'config/host_list': 'yours.example\nother.example\n',
        'config/aliases.json': JSON.stringify({
          'alias@yours.example': { action: 'alias', to: 'inner@hidden.example' },
        }),
      },
      haraka: { nodes: 0 },
    })
    routeAll()
  })
  after(async () => {
    await product.stop()
    for (const one of [server, other, origin]) await one.close()
  })

  const routeAll = (more: Record<string, number> = {}) =>
    route(product, {
      'yours.example': server.port,
      'other.example': other.port,
      'hidden.example': server.port,
      'origin.example': origin.port,
      ...more,
    })

  /** For one recipient, whom the server refuses at RCPT unless the test has said otherwise. */
  async function refused(to: string, options: RelayOptions = {}): Promise<SesMail> {
    if (!server.refuse.rcpt.has(to)) server.refuse.rcpt.set(to, '550 5.1.1 No such user here')
    const { reply, mail } = await send(product, { to: [to], ...options })
    assert.match(said(reply), /^250 Message Queued/)
    await untilDelivered(product)
    return mail
  }

  async function infoOf(mail: SesMail) {
    const { BouncedRecipientInfoList: [info] = [] } = await bounceOf(product, mail)
    return {
      to: info?.Recipient,
      type: info?.BounceType,
      status: info?.RecipientDsnFields?.Status,
      diagnostic: info?.RecipientDsnFields?.DiagnosticCode,
    }
  }

  async function assertNotBounced(mail: SesMail): Promise<void> {
    assert.deepEqual(await callsFor(product, mail), [])
    assert.deepEqual(product.jobs({ sesId: mail.sesId }), [])
  }

  it('is bounced with its words when it was refused at MAIL', async () => {
    server.refuse.mail.set('unwanted@origin.example', '550 5.7.1 We want no mail from you')
    const mail = await refused('user@yours.example', { sender: 'unwanted@origin.example' })
    assert.deepEqual(await infoOf(mail), {
      to: 'user@yours.example',
      type: 'Undefined',
      status: '5.7.1',
      diagnostic: 'smtp; 550 5.7.1 We want no mail from you',
    })
  })

  it('is bounced with its words when it was refused at RCPT', async () => {
    assert.deepEqual(await infoOf(await refused('rcpt@yours.example')), {
      to: 'rcpt@yours.example',
      type: 'DoesNotExist',
      status: '5.1.1',
      diagnostic: 'smtp; 550 5.1.1 No such user here',
    })
  })

  it('is bounced with its words when it was refused at DATA', async () => {
    const talking = await startTalkingServer(command =>
      command === 'DATA' ? '554 No valid recipients, none at all' : '250 ok',
    )
    routeAll({ 'yours.example': talking.port })
    const mail = await refused('data@yours.example')
    routeAll()
    await talking.close()
    assert.deepEqual(await infoOf(mail), {
      to: 'data@yours.example',
      type: 'Undefined',
      status: '5.7.1',
      diagnostic: 'smtp; 554 5.7.1 No valid recipients, none at all',
    })
  })

  it('is bounced with its words when it was refused at the end of the data', async () => {
    server.refuse.rcpt.set('large@yours.example', undefined as never)
    server.refuse.dot.set('large@yours.example', '552 5.3.4 That is too much')
    assert.deepEqual(await infoOf(await refused('large@yours.example')), {
      to: 'large@yours.example',
      type: 'MessageTooLarge',
      status: '5.3.4',
      diagnostic: 'smtp; 552 5.3.4 That is too much',
    })
  })

  it('fills the texts of the rule that holds for it', async () => {
    server.refuse.rcpt.set('full@yours.example', '552 5.2.2 Over quota')
    const mail = await refused('full@yours.example')
    const { Explanation } = await bounceOf(product, mail)
    assert.equal(Explanation, 'The mailbox is full (552 5.2.2 outbound)')
    assert.equal((await infoOf(mail)).type, 'ExceededQuota')
  })

  it('is checked by rules that look into the body, as the relay sent it', async () => {
    const body = 'a dot at the beginning: .\r\n.dot\r\n..two'
    const mail = await refused('body@yours.example', { body })
    assert.equal((await bounceOf(product, mail)).Explanation, 'found in the body')
  })

  it('has its mail kept until the bounce is made', async () => {
    const mail = await refused('waits@yours.example', { body: '.dot\r\n..two' })
    await bounceOf(product, mail)
    await until(() => rawKept(product, 'kept', mail).length === 0, { what: 'the kept mail to go' })
    assert.deepEqual(keptOf(product, mail), [])
  })

  it('leaves the other recipients of the mail as they are', async () => {
    server.refuse.rcpt.set('bad@yours.example', '550 5.1.1 No such user here')
    other.refuse.rcpt.set('bad@other.example', '550 5.2.1 Mailbox disabled')
    const to = ['good@yours.example', 'bad@yours.example', 'good@other.example', 'bad@other.example']
    const { mail } = await send(product, { to })
    await untilDelivered(product)
    const isThis = ({ data }: { data: string }) => data.includes(mail.sesId)
    assert.deepEqual(
      server.accepted.filter(isThis).map(one => one.to),
      [['good@yours.example']],
    )
    assert.deepEqual(
      other.accepted.filter(isThis).map(one => one.to),
      [['good@other.example']],
    )
    const calls = await callsFor(product, mail)
    assert.deepEqual(calls.flatMap(({ input }) => (input ? recipientsOf(input) : [])).toSorted(), [
      'bad@other.example',
      'bad@yours.example',
    ])
  })

  it('is bounced for the address of the relay when another plugin has replaced it', async () => {
    server.refuse.rcpt.set('inner@hidden.example', '550 5.1.1 <inner@hidden.example>: unknown')
    const { mail } = await send(product, { to: ['alias@yours.example'] })
    await untilDelivered(product)
    assert.deepEqual(await infoOf(mail), {
      to: 'alias@yours.example',
      type: 'DoesNotExist',
      status: '5.1.1',
      diagnostic: 'smtp; 550 5.1.1 <alias@yours.example>: unknown',
    })
  })

  it('is bounced once for a recipient that the relay names twice', async () => {
    server.refuse.rcpt.set('dup@yours.example', '550 5.1.1 No such user here')
    const { mail } = await send(product, {
      to: ['dup@yours.example', 'Dup@yours.example', 'dup@yours.example'],
    })
    await untilDelivered(product)
    const jobs = product.jobs({ sesId: mail.sesId })
    assert.equal(jobs.flatMap(({ recipients }) => recipients).length, 1)
    assert.equal((await callsFor(product, mail)).length, 1)
    assert.deepEqual(dsnRecipients(origin), [])
  })

  it('is bounced with words that break nothing, whatever the server says', async () => {
    const words = ['x'.repeat(3000), 'K\u00f6nnen {recipient} \u0007 <script> "quoted" \\ %s', '5.1.1 5.1.1']
    for (const [index, text] of words.entries()) {
      const to = `words-${index}@yours.example`
      server.refuse.rcpt.set(to, `550 ${text}`)
      const { diagnostic } = await infoOf(await refused(to))
      assert.match(diagnostic ?? '', /^smtp; 550 5\.\d\.\d[ -~]*$/)
      assert.ok((diagnostic ?? '').length <= 256)
      assert.ok(!(diagnostic ?? '').includes('words-'))
    }
  })

  it('is bounced once when the relay delivers the mail twice', async () => {
    const mail = await refused('twice@yours.example')
    await bounceOf(product, mail)
    await refused('twice@yours.example', { mail })
    await bounceOf(product, mail)
    assert.equal(product.jobs({ sesId: mail.sesId }).length, 1)
  })

  it('is bounced with the words of Haraka where a domain has no mail server', async () => {
    route(product, { 'origin.example': origin.port })
    const { mail } = await send(product, { to: ['user@other.example'] })
    await untilDelivered(product)
    routeAll()
    assert.deepEqual(await infoOf(mail), {
      to: 'user@other.example',
      type: 'DoesNotExist',
      status: '5.1.2',
      diagnostic: 'smtp; 550 5.1.2 No MX for other.example',
    })
  })

  it('is quarantined or dropped where the rule says so, and nobody is told', async () => {
    const kept = await refused('kept-1@yours.example')
    assert.deepEqual(
      keptOf(product, kept).map(({ record }) => record.held.map(({ recipient, rule }) => [recipient, rule])),
      [[['kept-1@yours.example', 'kept']]],
    )
    const dropped = await refused('dropped-1@yours.example')
    assert.deepEqual(keptOf(product, dropped), [])
    for (const mail of [kept, dropped]) await assertNotBounced(mail)
    assert.deepEqual(dsnRecipients(origin), [])
  })

  it('keeps the mail in the quarantine as the relay sent it', async () => {
    const mail = await refused('kept-2@yours.example', { body: '.dot\r\n..two\r\nend' })
    const [kept] = keptOf(product, mail)
    assert.ok(kept?.eml.toString('latin1').endsWith('\r\n\r\n.dot\r\n..two\r\nend\r\n'))
  })

  describe('and that no rule turns', () => {
    /** Haraka's own DSN came for this recipient alone, and nothing else was done. */
    async function assertOwnDsn(mail: SesMail, recipient: string): Promise<void> {
      assert.deepEqual(dsnRecipients(origin), [recipient])
      origin.accepted.length = 0
      await assertNotBounced(mail)
      assert.deepEqual(keptOf(product, mail), [])
    }

    it("gets Haraka's own DSN where the sender is proved", async () => {
      await assertOwnDsn(await refused('unruled-1@yours.example'), 'unruled-1@yours.example')
      await assertOwnDsn(await refused('stands-1@yours.example'), 'stands-1@yours.example')
    })

    for (const [why, reason, options] of [
      ['the sender is not proved', 'unsafe: sender not authenticated', UNPROVED],
      ['the sender is null', 'unsafe: null sender', { sender: '' }],
      [
        'it is an automatic reply',
        'unsafe: automatic reply',
        { headers: { 'Auto-Submitted': 'auto-replied' } },
      ],
      ['it has no receipt of SES', 'no_receipt: no Return-Path of SES', { returnPath: null }],
    ] as const) {
      it(`is quarantined where ${why}: a DSN would be backscatter`, async () => {
        const name = why.replace(/ /g, '-')
        for (const rule of ['unruled', 'stands']) {
          const mail = await refused(`${rule}-${name}@yours.example`, options)
          assert.deepEqual(
            keptOf(product, mail).map(({ record }) => record.held.map(held => held.reason)),
            [[reason]],
          )
          await assertNotBounced(mail)
        }
        assert.deepEqual(dsnRecipients(origin), [])
      })
    }

    it("gets Haraka's own DSN where the server refuses Haraka and not the mail", async () => {
      const replies: Record<string, string>[] = [
        { greeting: '554 We talk to nobody' },
        { EHLO: '550 Go away', HELO: '550 Go away' },
        { MAIL: '530 5.7.0 Authentication required' },
        { RCPT: '550 5.7.1 Unable to relay' },
      ]
      for (const [index, reply] of replies.entries()) {
        const talking = await startTalkingServer(command => reply[command] ?? '250 ok')
        routeAll({ 'yours.example': talking.port })
        const to = `fault-${index}@yours.example`
        const mail = await refused(to)
        routeAll()
        await talking.close()
        await assertOwnDsn(mail, to)
      }
    })

    it('stands in the DSN with the words of the server, for those recipients alone', async () => {
      server.refuse.rcpt.set('unruled-2@yours.example', '550 5.1.1 No such user here')
      server.refuse.rcpt.set('ruled@yours.example', '550 5.1.1 No such user here')
      const { mail } = await send(product, { to: ['unruled-2@yours.example', 'ruled@yours.example'] })
      await untilDelivered(product)
      assert.deepEqual(recipientsOf(await bounceOf(product, mail)), ['ruled@yours.example'])
      assert.deepEqual(dsnRecipients(origin), ['unruled-2@yours.example'])
      assert.match(origin.accepted[0]?.data ?? '', /^Diagnostic-Code: smtp;550 5\.1\.1 No such user here/m)
      origin.accepted.length = 0
    })
  })

  it('is bounced where another plugin has taken the recipients out of the error', async () => {
    const mail = await refused('emptied@yours.example')
    assert.deepEqual(recipientsOf(await bounceOf(product, mail)), ['emptied@yours.example'])
    assert.deepEqual(dsnRecipients(origin), [])
  })

  describe('of mail that the plugin knows nothing of', () => {
    it("gets Haraka's own DSN when a local user has forged a receipt", async () => {
      server.refuse.rcpt.set('forged@yours.example', '550 5.1.1 No such user here')
      const { mail } = await send(product, {
        to: ['forged@yours.example'],
        connect: { localAddress: '127.0.0.9' },
      })
      await untilDelivered(product)
      assert.deepEqual(dsnRecipients(origin), ['forged@yours.example'])
      origin.accepted.length = 0
      await assertNotBounced(mail)
    })

    it("gets Haraka's own DSN when the header was too long for a note", async () => {
      const long = Object.fromEntries(
        Array.from({ length: 200 }, (_, index) => [`X-Long-${index}`, 'x'.repeat(700)]),
      )
      const mail = await refused('long@yours.example', { headers: long })
      assert.deepEqual(dsnRecipients(origin), ['long@yours.example'])
      origin.accepted.length = 0
      await assertNotBounced(mail)
      await product.haraka.waitForLog('the header is too long for a bounce of a failed delivery')
    })
  })
})

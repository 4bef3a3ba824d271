// The outcome of a recipient that another plugin refuses, or that none accepts.

import assert from 'node:assert/strict'
import {
  assertUntouched,
  bounceOf,
  callsFor,
  deliveredOf,
  keptOf,
  linesOf,
  mailFor,
  recipientsOf,
  relay,
  said,
} from './support/flow'
import { newSesId } from './support/mail'
import type { Product } from './support/product'
import { FORMS, type Form, startRefusing, WORDS } from './support/refusers'
import { openSession, replyText, type SmtpSession } from './support/smtp'

const GOOD = 'user@yours.example'

// `asked`: only mail with this subject; `fixed`: no rule is about these
const RULES = `
[unasked]
sender = /never in any mail/
action = drop
[unknown]
refused.by = ldap, early, late
not.subject = *leave it*
action = bounce
[by nobody]
refused.by = nobody
not.subject = *leave it*
action = bounce
bounce.type = DoesNotExist
[kept]
refused.by = hold
action = quarantine
[told now]
refused.by = firm
action = reject
[later]
refused.by = slow
action = defer
[gone]
refused.by = sink
action = drop
`

/** Accepts what the test plugins let pass, if it isn't somebody whom nobody knows. */
const KNOWS = `'use strict'
exports.hook_rcpt = function (next, connection, [address]) {
  if (/^nobody|^late/.test(address.address)) {
    if (address.address.startsWith('nobody.err')) connection.transaction.results.add(this, { err: 'the directory is down' })
    return next()
  }
  if (address.address.endsWith('@elsewhere.example')) return next()
  next(OK)
}
`

describe('a recipient that another plugin refuses', function () {
  let product: Product
  before(async () => {
    product = await startRefusing({
      above: [
        { name: 'early', priorities: { rcpt: -100 } },
        ...['ldap', 'hold', 'firm', 'slow', 'sink', 'other', 'limit'].map(name => ({ name })),
      ],
      below: [{ name: 'late', priorities: { rcpt: 100 } }],
      rules: RULES,
      files: { 'plugins/accept_all.js': KNOWS },
    })
  })
  after(() => product.stop())

  for (const form of FORMS.filter(one => !['soft', 'softdsn', 'relaying'].includes(one))) {
    it(`is bounced with the words of the refusal, given as ${form}`, async () => {
      const to = `ldap.rcpt.${form}.alone@yours.example`
      const { reply, mail } = await relay(product, { to: [to] })
      assert.equal(reply.code, 250, replyText(reply))
      const bounce = await bounceOf(product, mail)
      assert.deepEqual(recipientsOf(bounce), [to])
      const [{ RecipientDsnFields: fields } = {}] = bounce.BouncedRecipientInfoList ?? []
      const words =
        form === 'nothing' ? `recipient <${to}> denied` : WORDS[form].replace(/^(550 )?5\.\d\.\d /, '')
      assert.match(fields?.DiagnosticCode ?? '', new RegExp(`^smtp; 55[02] 5\\.\\d\\.\\d ?${words}`))
      assert.deepEqual(deliveredOf(product, mail), [])
      assert.deepEqual(keptOf(product, mail), [])
    })
  }

  for (const form of ['soft', 'softdsn', 'relaying'] as const) {
    it(`hears the refusal itself, as it is no policy, given as ${form}`, async () => {
      const { reply, mail } = await relay(product, { to: [`ldap.rcpt.${form}@yours.example`] })
      assert.equal(replyText(reply), `${form === 'relaying' ? 550 : 450} ${WORDS[form]}`)
      assertUntouched(product, mail)
    })
  }

  it('is bounced while another one gets the mail', async () => {
    const bad = 'ldap.rcpt.text.beside@yours.example'
    for (const to of [
      [bad, GOOD],
      [GOOD, bad],
    ]) {
      const { reply, mail } = await relay(product, { to })
      assert.equal(reply.code, 250, replyText(reply))
      assert.deepEqual(deliveredOf(product, mail), [{ hook: 'queue', to: [GOOD] }])
      assert.deepEqual(recipientsOf(await bounceOf(product, mail)), [bad])
    }
  })

  it('is bounced when it is refused at rcpt_ok', async () => {
    const bad = 'ldap.rcpt_ok.text@yours.example'
    const { reply, mail } = await relay(product, { to: [bad, GOOD] })
    assert.equal(reply.code, 250, replyText(reply))
    assert.deepEqual(deliveredOf(product, mail), [{ hook: 'queue', to: [GOOD] }])
    assert.deepEqual(recipientsOf(await bounceOf(product, mail)), [bad])
  })

  it('is known, and not bounced again, when the relay delivers the mail again', async () => {
    const to = ['ldap.rcpt.text.again@yours.example']
    const { mail } = await relay(product, { to })
    const { reply } = await relay(product, { to, mail })
    assert.equal(reply.code, 250, replyText(reply))
    assert.equal((await callsFor(product, mail)).length, 1)
    assert.equal(product.jobs({ sesId: mail.sesId }).length, 1)
    assert.deepEqual(deliveredOf(product, mail), [])
  })

  it('gets one bounce when the relay names it twice', async () => {
    const to = 'ldap.rcpt.text.twice@yours.example'
    const { reply, mail } = await relay(product, { to: [to, to], sesRecipients: [to] })
    assert.equal(reply.code, 250, replyText(reply))
    assert.deepEqual(recipientsOf(await bounceOf(product, mail)), [to])
  })

  it('is kept back with the refusal on record, when a guard is in the way', async () => {
    const to = 'ldap.rcpt.coded.guard@yours.example'
    const { reply, mail } = await relay(product, { to: [to], sender: '' })
    assert.equal(reply.code, 250, replyText(reply))
    const [kept] = keptOf(product, mail)
    assert.equal(kept?.record.held[0]?.reason, 'unsafe: null sender')
    assert.deepEqual(kept?.record.held[0]?.refused, {
      by: 'ldap',
      stage: 'rcpt',
      code: 550,
      status: '5.1.6',
      reply: 'The mailbox has moved',
    })
    assert.deepEqual(product.jobs({ sesId: mail.sesId }), [])
    assert.match(
      linesOf(product, mail).join('\n'),
      /because=unsafe .*refused_by=ldap refused_stage=rcpt refused_status=5\.1\.6/,
    )
  })

  it('is kept, rejected, deferred or dropped, as its rule says', async () => {
    const kept = await relay(product, { to: ['hold.rcpt.text@yours.example'] })
    assert.equal(kept.reply.code, 250)
    assert.equal(keptOf(product, kept.mail).length, 1)
    const rejected = await relay(product, { to: ['firm.rcpt.coded@yours.example'] })
    assert.equal(said(rejected.reply), `550 ${WORDS.coded}`)
    assertUntouched(product, rejected.mail)
    const deferred = await relay(product, { to: ['slow.rcpt.text@yours.example', GOOD] })
    assert.equal(deferred.reply.code, 450)
    assertUntouched(product, deferred.mail)
    const dropped = await relay(product, { to: ['sink.rcpt.text@yours.example'] })
    assert.equal(dropped.reply.code, 250)
    assertUntouched(product, dropped.mail)
  })

  it('hears the refusal at once where no rule can be about it', async () => {
    for (const form of ['text', 'lines', 'dsn'] as const) {
      const to = [`other.rcpt.${form}@yours.example`]
      const session = await openSession({ port: product.haraka.port })
      const { rcptReplies } = await session.mail({ from: 'someone@origin.example', to, data: '' })
      assert.equal(rcptReplies[0]?.code, form === 'dsn' ? 552 : 550)
      assert.equal(rcptReplies[0]?.text.replaceAll('\n5.7.1', ''), WORDS[form])
      await session.quit()
    }
  })

  it('hears the very refusal after the mail, where no rule is about it after all', async () => {
    const cases: [Form, string][] = [
      ['text', `550 ${WORDS.text}`],
      ['coded', `550 ${WORDS.coded}`],
      ['lines', '550 5.7.1 Two lines\n5.7.1 of words'],
      ['dsn', `552 ${WORDS.dsn}`],
      ['nothing', '550 recipient <ldap.rcpt.nothing.left@yours.example> denied'],
    ]
    for (const [form, words] of cases) {
      const to = [`ldap.rcpt.${form}.left@yours.example`]
      const { reply, mail } = await relay(product, { to, headers: { Subject: 'leave it' } })
      assert.equal(said(reply).replace(/\[.*?\] /, ''), words)
      assertUntouched(product, mail)
    }
  })

  it('is hung up on after the mail, where the refusal hangs up and no rule is about it after all', async () => {
    const to = ['ldap.rcpt.hangup@yours.example']
    const mail = mailFor(product, to, { headers: { Subject: 'leave it' } })
    const session = await openSession({ port: product.haraka.port })
    const { reply } = await session.mail({ from: 'someone@origin.example', to, data: mail.data })
    assert.equal(said(reply), `550 ${WORDS.hangup}`)
    await assert.rejects(session.command('NOOP'), /closed|ECONNRESET|EPIPE/)
    assertUntouched(product, mail)
  })

  it('is quarantined with a warning beside others, where no rule is about it after all', async () => {
    const bad = 'ldap.rcpt.text.held@yours.example'
    const { reply, mail } = await relay(product, { to: [bad, GOOD], headers: { Subject: 'leave it' } })
    assert.equal(reply.code, 250, replyText(reply))
    assert.deepEqual(deliveredOf(product, mail), [{ hook: 'queue', to: [GOOD] }])
    assert.deepEqual(
      keptOf(product, mail).flatMap(({ record }) => record.held.map(({ recipient }) => recipient)),
      [bad],
    )
    await product.haraka.waitForLog(`recipient=${bad} ses_id=${mail.sesId} warning=`)
  })

  it('is bounced though a plugin below accepts it', async () => {
    // accept_all is asked last and accepts
    const to = 'ldap.rcpt.text.later@yours.example'
    const { mail } = await relay(product, { to: [to, GOOD] })
    assert.deepEqual(deliveredOf(product, mail), [{ hook: 'queue', to: [GOOD] }])
    assert.deepEqual(recipientsOf(await bounceOf(product, mail)), [to])
  })

  it('is bounced by the rule for one of its two refusals', async () => {
    const to = 'nobody@yours.example'
    const { mail } = await relay(product, { to: [to], sender: 'ldap.data_post.text@origin.example' })
    assert.deepEqual(recipientsOf(await bounceOf(product, mail)), [to])
  })

  it('that no plugin accepts is bounced, too', async () => {
    const to = 'nobody.here@yours.example'
    const { reply, mail } = await relay(product, { to: [to] })
    assert.equal(reply.code, 250, replyText(reply))
    const bounce = await bounceOf(product, mail)
    const [{ RecipientDsnFields: fields } = {}] = bounce.BouncedRecipientInfoList ?? []
    assert.equal(fields?.DiagnosticCode, `smtp; 550 5.1.1 I cannot deliver mail for <${to}>`)
    assert.deepEqual(deliveredOf(product, mail), [])
  })

  it('that no plugin accepts hears so where a plugin has noted an error', async () => {
    const to = 'nobody.err@yours.example'
    const { reply, mail } = await relay(product, { to: [to] })
    assert.equal(said(reply), `550 I cannot deliver mail for <${to}>`)
    assertUntouched(product, mail)
  })

  it('that no plugin accepts is bounced, whatever word is in the address', async () => {
    const to = ['nobody.relay.banned@yours.example']
    const { mail } = await relay(product, { to })
    assert.deepEqual(recipientsOf(await bounceOf(product, mail)), to)
  })

  it('hears a refusal by a plugin that is called before ours', async () => {
    const { reply, mail } = await relay(product, { to: ['early.rcpt.text@yours.example'] })
    assert.equal(said(reply), `550 ${WORDS.text}`)
    assertUntouched(product, mail)
  })

  it('is bounced where the plugin is called after ours', async () => {
    const to = ['late.rcpt.text@yours.example']
    const { reply, mail } = await relay(product, { to })
    assert.equal(reply.code, 250, replyText(reply))
    const bounce = await bounceOf(product, mail)
    assert.deepEqual(recipientsOf(bounce), to)
    const [{ RecipientDsnFields: fields } = {}] = bounce.BouncedRecipientInfoList ?? []
    assert.equal(fields?.DiagnosticCode, `smtp; 550 5.7.1 ${WORDS.text}`)
  })

  it('at a domain that is not ours is refused at RCPT, whether a plugin refuses it or none accepts it', async () => {
    for (const [local, words] of [
      ['ldap.rcpt.text', WORDS.text],
      ['anyone', 'I cannot deliver mail for <anyone@elsewhere.example>'],
    ]) {
      const { reply, mail } = await relay(product, { to: [`${local}@elsewhere.example`] })
      assert.equal(replyText(reply), `550 ${words}`)
      assertUntouched(product, mail)
    }
  })

  it('from a peer that is not trusted hears the refusal', async () => {
    const connect = { localAddress: '127.0.0.9' }
    for (const to of ['ldap.rcpt.text@yours.example', 'nobody@yours.example']) {
      const { reply, mail } = await relay(product, { to: [to], connect })
      assert.equal(reply.code, 550)
      assertUntouched(product, mail)
    }
  })

  it('gets the refusal of a plugin that checks the connection', async () => {
    const { reply, mail } = await relay(product, { to: ['limit.rcpt.text@yours.example'] })
    assert.equal(replyText(reply), `550 ${WORDS.text}`)
    assertUntouched(product, mail)
  })

  it('says so in the log, as soon as it is refused', async () => {
    const to = 'ldap.rcpt.dsn.logged@yours.example'
    await relay(product, { to: [to] })
    await product.haraka.waitForLog(
      `refused_by=ldap stage=rcpt code=552 status=5.2.2 reply="The mailbox is full" recipient=${to} taken=provisionally`,
    )
  })

  it('is forgotten after RSET', async () => {
    const mail = mailFor(product, [GOOD])
    const session = await openSession({ port: product.haraka.port })
    await session.command('MAIL FROM:<someone@origin.example>')
    assert.equal((await session.command('RCPT TO:<ldap.rcpt.text.reset@yours.example>')).code, 250)
    const { reply } = await session.mail({ from: 'someone@origin.example', to: [GOOD], data: mail.data })
    assert.equal(reply.code, 250, replyText(reply))
    await session.quit()
    assert.deepEqual(deliveredOf(product, mail), [{ hook: 'queue', to: [GOOD] }])
    assert.deepEqual(product.jobs({ sesId: mail.sesId }), [])
  })

  it('is forgotten with its mail, when the session goes on with another', async () => {
    const session = await openSession({ port: product.haraka.port })
    const bad = await onSession(session, ['ldap.rcpt.text.first@yours.example'])
    const good = await onSession(session, [GOOD])
    await session.quit()
    assert.equal((await callsFor(product, bad)).length, 1)
    assert.deepEqual(deliveredOf(product, good), [{ hook: 'queue', to: [GOOD] }])
  })

  it('is bounced for a relay that sends all commands at once', async () => {
    const bad = 'ldap.rcpt.text.pipelined@yours.example'
    const mail = mailFor(product, [bad, GOOD])
    const session = await openSession({ port: product.haraka.port })
    const commands = ['MAIL FROM:<someone@origin.example>', `RCPT TO:<${bad}>`, `RCPT TO:<${GOOD}>`, 'DATA']
    const replies = [await session.command(commands.join('\r\n'))]
    for (const _ of commands.slice(1)) replies.push(await session.reply())
    assert.deepEqual(
      replies.map(({ code }) => code),
      [250, 250, 250, 354],
    )
    const reply = await session.command(`${mail.data.toString('latin1')}.`)
    assert.equal(reply.code, 250, replyText(reply))
    await session.quit()
    assert.deepEqual(deliveredOf(product, mail), [{ hook: 'queue', to: [GOOD] }])
    assert.deepEqual(recipientsOf(await bounceOf(product, mail)), [bad])
  })

  async function onSession(session: SmtpSession, to: string[]) {
    const mail = mailFor(product, to, { sesId: newSesId() })
    const { reply } = await session.mail({ from: 'someone@origin.example', to, data: mail.data })
    assert.equal(reply.code, 250, replyText(reply))
    return mail
  }
})

describe('with [fallback] unsafe = reject, a refused recipient whose mail has no sender', function () {
  let product: Product
  before(async () => {
    product = await startRefusing({
      above: [{ name: 'ldap' }],
      ini: { fallback: { unsafe: 'reject', expired: 'accept', no_receipt: 'reject' } },
      rules: '[unknown]\nrefused.by = ldap\naction = bounce\n',
    })
  })
  after(() => product.stop())

  it('is rejected in the words of the refusal, with the reason', async () => {
    const { reply, mail } = await relay(product, { to: ['ldap.rcpt.coded@yours.example'], sender: '' })
    assert.equal(said(reply), '550 5.1.6 The mailbox has moved (not bounced: null sender)')
    assertUntouched(product, mail)
  })

  it('is quarantined with a warning beside one who gets the mail', async () => {
    const bad = 'ldap.rcpt.coded@yours.example'
    const { reply, mail } = await relay(product, { to: [bad, GOOD], sender: '' })
    assert.equal(reply.code, 250, replyText(reply))
    assert.deepEqual(deliveredOf(product, mail), [{ hook: 'queue', to: [GOOD] }])
    assert.deepEqual(
      keptOf(product, mail).flatMap(({ record }) => record.held.map(({ recipient }) => recipient)),
      [bad],
    )
    await product.haraka.waitForLog(`recipient=${bad} ses_id=${mail.sesId} warning=`)
  })

  it('is never accepted, though the fallback for its case says accept', async () => {
    const receivedAt = new Date(Date.now() - 25 * 3_600_000)
    const { reply, mail } = await relay(product, { to: ['ldap.rcpt.coded@yours.example'], receivedAt })
    assert.match(said(reply), /^550 5\.1\.6 The mailbox has moved \(not bounced: later than/)
    assertUntouched(product, mail)
  })

  it('is rejected where SES has written no receipt', async () => {
    const { reply, mail } = await relay(product, { to: ['ldap.rcpt.coded@yours.example'], returnPath: null })
    assert.match(said(reply), /^550 5\.1\.6 The mailbox has moved \(not bounced: no Return-Path/)
    assertUntouched(product, mail)
  })
})

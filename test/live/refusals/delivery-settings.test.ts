// Effects of [delivery] own_dsn, the modes and a release from the quarantine on a delivery that failed.

import assert from 'node:assert/strict'
import {
  dsnRecipients,
  type MovableServer,
  route,
  send,
  startDelivery,
  startMovableServer,
  UNDELIVERABLE,
  untilDelivered,
} from '../support/delivery'
import { callsFor, keptOf, type RelayOptions } from '../support/flow'
import type { SesMail } from '../support/mail'
import { type MailServer, startMailServer } from '../support/mail-server'
import type { Ini, Product } from '../support/product'

describe('a delivery that failed', function () {
  let product: Product
  let server: MovableServer
  let origin: MailServer
  beforeEach(async () => {
    server = await startMovableServer()
    origin = await startMailServer()
  })
  afterEach(async () => {
    await product.stop()
    await server.close()
    await origin.close()
  })

  async function start(rules: string, ini: Ini = {}): Promise<void> {
    product = await startDelivery({ rules, ini })
    route(product, { 'yours.example': server.port, 'origin.example': origin.port })
  }

  async function refused(options: RelayOptions = {}): Promise<SesMail> {
    server.refuse.rcpt.set('no@yours.example', '550 5.1.1 No such user')
    const { mail } = await send(product, { to: ['no@yours.example'], ...options })
    await untilDelivered(product)
    return mail
  }

  const UNPROVED: RelayOptions = { spf: 'fail', dkim: [], dmarc: null }
  const NONE = '[none]\nrefused.stage = delivery\nsubject = nothing\naction = bounce\n'

  it("gets Haraka's own DSN with own_dsn = haraka, though nobody has proved the sender", async () => {
    await start(NONE, { delivery: { own_dsn: 'haraka' } })
    const mail = await refused(UNPROVED)
    assert.deepEqual(dsnRecipients(origin), ['no@yours.example'])
    assert.deepEqual(keptOf(product, mail), [])
  })

  it('is quarantined with own_dsn = haraka too where the fallback of a rule says so', async () => {
    await start(UNDELIVERABLE, { delivery: { own_dsn: 'haraka' } })
    const mail = await refused(UNPROVED)
    assert.deepEqual(dsnRecipients(origin), [])
    assert.deepEqual(
      keptOf(product, mail).map(({ record }) =>
        record.held.map(({ reason, refused: by }) => [reason, by?.reply]),
      ),
      [[['unsafe: sender not authenticated', 'No such user']]],
    )
  })

  it("gets Haraka's own DSN where its bounce would be one too many, and the fallback says reject", async () => {
    await start(`${UNDELIVERABLE}cap = 1/day\nfallback = reject\n`)
    const [first, second] = [await refused(), await refused()]
    assert.equal(product.jobs({ sesId: first.sesId }).length, 1)
    assert.equal(product.jobs({ sesId: second.sesId }).length, 0)
    assert.deepEqual(dsnRecipients(origin), ['no@yours.example'])
    assert.deepEqual(keptOf(product, second), [])
  })

  it('is quarantined where the DSN would go to another address than the one that is proved', async () => {
    await start(NONE)
    const mail = await refused({ from: 'author@forged.example' })
    assert.deepEqual(dsnRecipients(origin), [])
    assert.deepEqual(
      keptOf(product, mail).flatMap(({ record }) => record.held.map(({ reason }) => reason)),
      ['unsafe: MAIL FROM is not the sender of record'],
    )
  })

  it('is quarantined where the recipient that SES had is not known, though the fallback says reject', async () => {
    await start(UNDELIVERABLE, { fallback: { mismatch: 'reject' } })
    route(product, { 'elsewhere.example': server.port, 'origin.example': origin.port })
    for (const name of ['one', 'two'])
      server.refuse.rcpt.set(`${name}@elsewhere.example`, '550 5.1.1 No such user')
    const { mail } = await send(product, {
      to: ['one@elsewhere.example', 'two@elsewhere.example'],
      sesRecipients: ['user@yours.example'],
    })
    await untilDelivered(product)
    assert.deepEqual(dsnRecipients(origin), [])
    assert.deepEqual(
      keptOf(product, mail).flatMap(({ record }) => record.held.map(({ reason }) => reason)),
      ['mismatch: recipient not known to SES', 'mismatch: recipient not known to SES'],
    )
  })

  it('is left to Haraka in mode observe, and logged', async () => {
    await start(UNDELIVERABLE, { main: { mode: 'observe' } })
    for (const options of [{}, UNPROVED]) {
      const mail = await refused(options)
      assert.deepEqual(dsnRecipients(origin), ['no@yours.example'])
      origin.accepted.length = 0
      assert.deepEqual(await callsFor(product, mail), [])
      assert.deepEqual(keptOf(product, mail), [])
      await product.haraka.waitForLog(new RegExp(`ses_id=${mail.sesId} .*refused_by=outbound .*mode=observe`))
    }
  })

  it('is left to Haraka where the rule is observed, and the rule is logged', async () => {
    await start(`${UNDELIVERABLE}mode = observe\n`)
    const mail = await refused()
    assert.deepEqual(keptOf(product, await refused(UNPROVED)), [])
    assert.deepEqual(dsnRecipients(origin), ['no@yours.example', 'no@yours.example'])
    await product.haraka.waitForLog(
      new RegExp(`rule=undeliverable action=bounce .*ses_id=${mail.sesId} mode=observe`),
    )
  })

  it('is as without this plugin where no rule is about deliveries', async () => {
    for (const condition of ['recipient = other@yours.example', 'refused.stage = queue, rcpt']) {
      await start(`[others]\n${condition}\naction = bounce\n`)
      const mail = await refused(UNPROVED)
      assert.deepEqual(dsnRecipients(origin), ['no@yours.example'])
      origin.accepted.length = 0
      assert.deepEqual(keptOf(product, mail), [])
      assert.ok(!product.haraka.log().some(line => line.includes('refused_by')))
      await product.stop()
    }
  })

  it('is bounced beside a recipient that another plugin has refused before', async () => {
    const rules = `[unknown]\nrefused.by = rcpt-ldap\naction = bounce\n\n${UNDELIVERABLE}`
    product = await startDelivery({
      rules,
      plugins: ['rcpt-ldap', 'ses-bounce', 'probe'],
      files: {
        'plugins/rcpt-ldap.js': `exports.hook_rcpt = (next, connection, [{ user }]) =>
  user === 'unknown' ? next(DENY, 'No mailbox here by that name') : next()
`,
      },
    })
    route(product, { 'yours.example': server.port, 'origin.example': origin.port })
    server.refuse.rcpt.set('no@yours.example', '552 5.2.2 Over quota')
    const to = ['unknown@yours.example', 'no@yours.example', 'yes@yours.example']
    const { reply, mail } = await send(product, { to })
    assert.equal(reply.code, 250)
    await untilDelivered(product)
    const calls = await callsFor(product, mail)
    const infos = calls.flatMap(({ input }) => input?.BouncedRecipientInfoList ?? [])
    assert.deepEqual(infos.map(info => `${info.Recipient} ${info.RecipientDsnFields?.Status}`).toSorted(), [
      'no@yours.example 5.2.2',
      'unknown@yours.example 5.1.1',
    ])
    assert.deepEqual(
      server.accepted.flatMap(one => one.to),
      ['yes@yours.example'],
    )
    assert.deepEqual(dsnRecipients(origin), [])
  })

  it('is logged with the id of the queued mail, the words of the server, and what was decided', async () => {
    await start(UNDELIVERABLE)
    const mail = await refused()
    const refusal = await product.haraka.waitForLog(
      'refused_by=outbound stage=delivery code=550 status=5.1.1',
    )
    assert.match(refusal, /\[ses-bounce\] refused_by=/)
    assert.match(refusal, /reply="No such user" recipient=no@yours\.example/)
    const decision = await product.haraka.waitForLog(`ses_id=${mail.sesId}`)
    const id = /\[([0-9A-F-]{36}\.\d+\.\d+)\]/
    assert.equal(id.exec(decision)?.[1], id.exec(refusal)?.[1])
    assert.match(decision, /rule=undeliverable action=bounce .*refused_by=outbound refused_stage=delivery/)
  })
})

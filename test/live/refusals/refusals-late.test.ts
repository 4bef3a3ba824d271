// Between the rules' decision at the end of a mail and the queue: whatever happens there, no refused recipient gets the mail.

import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { assertUntouched, bounceOf, mailFor, recipientsOf, relay, said } from '../support/flow'
import { iniText, type Product } from '../support/product'
import { startRefusing } from '../support/refusers'
import { write } from '../support/reload'
import { until } from '../support/wait'

const GOOD = 'user@yours.example'
const BAD = 'ldap.rcpt.text@yours.example'

const RULES = `
[unknown]
refused.by = ldap
action = bounce
[never]
recipient = never@yours.example
action = reject
[later]
recipient = later@yours.example
action = defer
`

/** Stands behind ours at data_post. The sender's local part tells it what to do. */
const LATE = `'use strict'
const fs = require('node:fs')
const path = require('node:path')
const { Address } = require(${JSON.stringify(require.resolve('@haraka/email-address'))})
const inHaraka = name => path.join(process.env.HARAKA, name)

exports.register = function () {
  this.register_hook('data_post', 'late', 100)
}
exports.late = (next, { transaction }) => {
  const what = transaction.mail_from.address.split('@')[0]
  if (what === 'rewrite')
    transaction.rcpt_to = transaction.rcpt_to.map((_, index) => new Address('inner' + index + '@yours.example'))
  if (what !== 'wait') return next()
  fs.writeFileSync(inHaraka('waiting'), '')
  const timer = setInterval(() => {
    if (!fs.existsSync(inHaraka('go'))) return
    clearInterval(timer)
    next()
  }, 10)
}
`

/** Overrides every refusal of mail from such senders, before our own hook is asked. */
const OVERRIDES = `'use strict'
exports.register = function () {
  this.register_hook('deny', 'override', -100)
}
exports.override = (next, { transaction }) =>
  next(transaction.mail_from.address.startsWith('override') ? OK : undefined)
`

/** Delivers as early as a queue plugin can. */
const EARLY = `'use strict'
exports.register = function () {
  for (const hook of ['queue', 'queue_outbound']) this.register_hook(hook, 'deliver', -100)
}
exports.deliver = (next, { transaction: { mail_from: sender, rcpt_to: to } }) =>
  sender.address.startsWith('early') ? next(OK, 'early: ' + to.map(({ address }) => address)) : next()
`

describe('a mail about which the rules have decided', function () {
  let product: Product
  before(async () => {
    product = await startRefusing({
      plugins: ['overrides', 'early'],
      above: [{ name: 'ldap' }],
      pluginsBelow: ['late'],
      rules: RULES,
      files: { 'plugins/late.js': LATE, 'plugins/overrides.js': OVERRIDES, 'plugins/early.js': EARLY },
    })
  })
  after(() => product.stop())

  for (const helo of ['relay.yours.example', 'relaying.relay.example']) {
    it(`is 450 where a plugin overrides the refusal by a rule (${helo})`, async () => {
      for (const to of ['never@yours.example', 'later@yours.example']) {
        const sent = { to: [to], sender: 'override@origin.example', connect: { helo } }
        const { reply, mail } = await relay(product, sent)
        assert.equal(said(reply), '450 4.3.0 Try again later')
        assertUntouched(product, mail)
      }
    })
  }

  it('is decided before a queue plugin of the same priority above ours delivers it', async () => {
    for (const helo of ['relay.yours.example', 'relaying.relay.example']) {
      const sent = { to: [BAD, GOOD], sender: 'early@origin.example', connect: { helo } }
      const { reply, mail } = await relay(product, sent)
      assert.equal(said(reply), `250 early: ${GOOD}`)
      assert.deepEqual(recipientsOf(await bounceOf(product, mail)), [BAD])
    }
  })

  it('is 450 where a plugin replaces a refused recipient after that by another address', async () => {
    const { reply, mail } = await relay(product, { to: [BAD, GOOD], sender: 'rewrite@origin.example' })
    assert.equal(said(reply), '450 4.3.0 Try again later')
    assertUntouched(product, mail)
  })

  it('is 450 where the configuration changes before it is queued', async () => {
    const mail = mailFor(product, [BAD, GOOD], { sender: 'wait@origin.example' })
    const sent = relay(product, { mail, to: [BAD, GOOD] })
    const { dir } = product.haraka
    await until(() => existsSync(path.join(dir, 'waiting')), { what: 'the mail between data_post and queue' })
    const since = product.haraka.log().length
    write(product, 'ses-bounce.ini', iniText({ main: { mode: 'observe' } }, product.ses.url))
    await product.haraka.waitForLog(/\[ses-bounce\] configuration reloaded/, { since })
    writeFileSync(path.join(dir, 'go'), '')
    const { reply } = await sent
    assert.equal(said(reply), '450 4.3.0 Try again later')
    assertUntouched(product, mail)
  })
})

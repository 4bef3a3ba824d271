// Other plugins that come between a refusal and its bounce: whatever they do, no refused recipient gets the mail.

import assert from 'node:assert/strict'
import { assertUntouched, bounceOf, deliveredOf, recipientsOf, relay, said } from '../support/flow'
import type { Product } from '../support/product'
import { startRefusing, WORDS } from '../support/refusers'
import { replyText } from '../support/smtp'

const GOOD = 'user@yours.example'
const BAD = 'ldap.rcpt.text@yours.example'

const RULES = `
[unknown]
refused.by = ldap, access, nobody
not.subject = *leave it*
action = bounce
[never]
recipient = never@yours.example
action = reject
[later]
recipient = later@yours.example
action = defer
[scanned]
refused.by = scan
action = bounce
`

/** Acts as the sender's local part tells it. */
const MEDDLER = `'use strict'
const { Address } = require(${JSON.stringify(require.resolve('@haraka/email-address'))})
const asked = (connection, what) => connection.transaction.mail_from.address.startsWith(what)

exports.register = function () {
  this.register_hook('rcpt', 'accept_late', 100)
  this.register_hook('data', 'meddle')
  this.register_hook('data_post', 'end')
}
exports.accept_late = (next, connection, [address]) => next(address.address.startsWith('late') ? OK : undefined)
exports.meddle = (next, connection) => {
  const { transaction } = connection
  const { notes } = transaction
  if (asked(connection, 'skip.push')) notes.skip_plugins.push('ses-bounce')
  if (asked(connection, 'skip.set')) notes.skip_plugins = ['ses-bounce']
  if (asked(connection, 'skip.notes')) transaction.notes = { skip_plugins: ['ses-bounce'] }
  if (asked(connection, 'copy')) transaction.rcpt_to = transaction.rcpt_to.map(({ original }) => new Address(original))
  if (asked(connection, 'remove')) transaction.rcpt_to = transaction.rcpt_to.filter(({ address }) => !address.startsWith('ldap'))
  if (asked(connection, 'replace')) transaction.rcpt_to = [new Address('<stranger@yours.example>')]
  next()
}
exports.end = (next, connection) => next(asked(connection, 'end') ? OK : undefined)
`

const ACCEPTS = `'use strict'
exports.hook_rcpt = (next, connection, [{ address }]) =>
  address.includes('.soft@') ? next(DENYSOFT, 'not now') : next(/^(late|nobody)/.test(address) ? undefined : OK)
`

describe('a refused recipient does not get the mail', function () {
  let product: Product
  before(async () => {
    product = await startRefusing({
      above: [{ name: 'ldap' }, { name: 'scan' }],
      below: [{ name: 'meddler' }],
      rules: RULES,
      files: { 'plugins/meddler.js': MEDDLER, 'plugins/accept_all.js': ACCEPTS },
    })
  })
  after(() => product.stop())

  for (const how of ['push', 'set', 'notes']) {
    it(`where a plugin skips ours afterwards (${how})`, async () => {
      const { reply, mail } = await relay(product, { to: [BAD, GOOD], sender: `skip.${how}@origin.example` })
      assert.equal(reply.code, 250, replyText(reply))
      assert.deepEqual(recipientsOf(await bounceOf(product, mail)), [BAD])
      assert.deepEqual(deliveredOf(product, mail), [{ hook: 'queue', to: [GOOD] }])
    })
  }

  it('where a plugin ends data_post before ours is called: the relay tries again', async () => {
    const { reply, mail } = await relay(product, { to: [BAD, GOOD], sender: 'end@origin.example' })
    assert.equal(said(reply), '450 4.3.0 Try again later')
    assertUntouched(product, mail)
  })

  it('where a plugin replaces all recipients by copies: the relay tries again', async () => {
    const { reply, mail } = await relay(product, { to: [BAD, GOOD], sender: 'copy@origin.example' })
    assert.equal(said(reply), '450 4.3.0 Try again later')
    assertUntouched(product, mail)
  })

  it('where a plugin replaces the only recipient by another one, which is bounced', async () => {
    const { reply, mail } = await relay(product, { to: [BAD], sender: 'replace@origin.example' })
    assert.equal(reply.code, 250, replyText(reply))
    assert.deepEqual(deliveredOf(product, mail), [])
    assert.deepEqual(recipientsOf(await bounceOf(product, mail)), [BAD])
  })

  it('and a recipient that a plugin after ours accepts is not bounced', async () => {
    const { reply, mail } = await relay(product, { to: ['late@yours.example'] })
    assert.equal(reply.code, 250, replyText(reply))
    assert.deepEqual(deliveredOf(product, mail), [{ hook: 'queue', to: ['late@yours.example'] }])
    assert.deepEqual(product.jobs({ sesId: mail.sesId }), [])
  })

  it('where a plugin removes it, and is bounced all the same: the relay has heard 250', async () => {
    for (const to of [
      [BAD, GOOD],
      [GOOD, BAD],
    ]) {
      const { reply, mail } = await relay(product, { to, sender: 'remove@origin.example' })
      assert.equal(reply.code, 250, replyText(reply))
      assert.deepEqual(deliveredOf(product, mail), [{ hook: 'queue', to: [GOOD] }])
      assert.deepEqual(recipientsOf(await bounceOf(product, mail)), [BAD])
    }
  })

  it('where another plugin refuses it for now, which the relay hears: nothing is bounced', async () => {
    const { reply, mail } = await relay(product, { to: ['ldap.rcpt.text.soft@yours.example', GOOD] })
    assert.equal(reply.code, 250, replyText(reply))
    assert.deepEqual(deliveredOf(product, mail), [{ hook: 'queue', to: [GOOD] }])
    assert.deepEqual(product.jobs({ sesId: mail.sesId }), [])
  })
})

// delay_deny and karma answer the hook deny with OK as well
const KARMA = `'use strict'
exports.hook_deny = (next, connection, [, , plugin]) => next(plugin === 'karma' ? undefined : OK)
exports.hook_data_post = function (next, connection) {
  next(connection.transaction.mail_from.address.startsWith('bad.karma') ? DENY : undefined, 'bad karma')
}
`
const GREYLIST = `'use strict'
exports.hook_connect = (next, { remote }) => next(remote.ip === '127.0.0.7' ? DENY : undefined, 'not you')
`

for (const place of ['above', 'below'] as const) {
  describe(`with delay_deny ${place} the plugin`, function () {
    let product: Product
    before(async () => {
      product = await startRefusing({
        above: [{ name: 'ldap' }, { name: 'other' }],
        plugins: ['greylist', ...(place === 'above' ? ['delay_deny'] : [])],
        pluginsBelow: place === 'below' ? ['delay_deny'] : [],
        rules: RULES,
        ini: { relay: { trusted: '127.0.0.0/8' } },
        files: { 'plugins/greylist.js': GREYLIST },
      })
    })
    after(() => product.stop())

    it('what a rule is about is bounced', async () => {
      const { reply, mail } = await relay(product, { to: [BAD, GOOD] })
      assert.equal(reply.code, 250, replyText(reply))
      assert.deepEqual(recipientsOf(await bounceOf(product, mail)), [BAD])
      assert.deepEqual(deliveredOf(product, mail), [{ hook: 'queue', to: [GOOD] }])
    })

    it('what no rule is about is delayed as ever, and heard', async () => {
      const { reply, mail } = await relay(product, { to: ['other.rcpt.text@yours.example'] })
      assert.equal(replyText(reply), `550 ${WORDS.text}`)
      assertUntouched(product, mail)
    })

    it('a refusal of the connection is heard at the first recipient, and never becomes a bounce', async () => {
      for (const to of [GOOD, BAD, 'ldap.rcpt_ok.text@yours.example']) {
        const { reply, mail } = await relay(product, { to: [to], connect: { localAddress: '127.0.0.7' } })
        assert.equal(replyText(reply), '550 not you')
        assertUntouched(product, mail)
      }
    })
  })

  describe(`with karma ${place} the plugin`, function () {
    let product: Product
    before(async () => {
      product = await startRefusing({
        above: [{ name: 'ldap' }],
        [place === 'above' ? 'plugins' : 'pluginsBelow']: ['karma'],
        rules: RULES,
        files: { 'plugins/karma.js': KARMA },
      })
    })
    after(() => product.stop())

    it('what a rule is about is bounced', async () => {
      const { reply, mail } = await relay(product, { to: [BAD, GOOD] })
      assert.equal(reply.code, 250, replyText(reply))
      assert.deepEqual(recipientsOf(await bounceOf(product, mail)), [BAD])
      assert.deepEqual(deliveredOf(product, mail), [{ hook: 'queue', to: [GOOD] }])
    })

    it('what no rule is about after all, and what a rule refuses, is heard and not delivered', async () => {
      const left = await relay(product, { to: [BAD], headers: { Subject: 'leave it' } })
      assert.equal(said(left.reply), `550 ${WORDS.text}`)
      assertUntouched(product, left.mail)
      for (const [to, code] of [
        ['never@yours.example', 550],
        ['later@yours.example', 450],
      ] as const) {
        const { reply, mail } = await relay(product, { to: [to] })
        assert.equal(reply.code, code, replyText(reply))
        assertUntouched(product, mail)
      }
    })

    it('its own refusal is heard, where no rule names it', async () => {
      const { reply, mail } = await relay(product, { to: [GOOD], sender: 'bad.karma@origin.example' })
      assert.equal(said(reply), '550 bad karma')
      assertUntouched(product, mail)
    })
  })
}

describe('a recipient behind an alias that is refused', function () {
  let product: Product
  const ALIASES = {
    'team@yours.example': {
      action: 'alias',
      to: ['ldap.rcpt.nothing.inner@yours.example', 'inner.other@yours.example'],
    },
    'one@yours.example': { action: 'alias', to: 'ldap.rcpt.text.inner@yours.example' },
    'none@yours.example': { action: 'alias', to: 'nobody.inner@yours.example' },
  }
  before(async () => {
    product = await startRefusing({
      above: [{ name: 'ldap' }],
      plugins: ['aliases'],
      rules: RULES,
      files: { 'config/aliases.json': JSON.stringify(ALIASES), 'plugins/accept_all.js': ACCEPTS },
    })
  })
  after(() => product.stop())

  for (const alias of Object.keys(ALIASES)) {
    it(`is bounced for the address that the relay named, and none of its targets gets the mail (${alias})`, async () => {
      for (const to of [
        [alias, GOOD],
        [GOOD, alias],
      ]) {
        const { reply, mail } = await relay(product, { to })
        assert.equal(reply.code, 250, replyText(reply))
        const bounce = await bounceOf(product, mail)
        assert.deepEqual(recipientsOf(bounce), [alias])
        assert.deepEqual(deliveredOf(product, mail), [{ hook: 'queue', to: [GOOD] }])
        assert.doesNotMatch(JSON.stringify(bounce), /inner/)
      }
    })
  }
})

// Relays that hand over copies, map, expand and repeat recipients, and plugins of Haraka that change them:
// whom a rule is asked about, who gets the mail, and whom SES is told about.

import assert from 'node:assert/strict'
import { bounceOf, callsFor, deliveredOf, keptOf, recipientsOf, relay, said, startFlow } from './support/flow'
import type { Product } from './support/product'

const RULES = `[unknown]
recipient = unknown*@yours.example, unknown*@hosts.example
action = bounce
bounce.type = DoesNotExist
`
const TAKEN = '250 Message accepted by policy'

describe('a relay that delivers one copy for each recipient', function () {
  let product: Product
  before(async () => {
    product = await startFlow({
      rules: RULES,
      haraka: { files: { 'config/host_list_regex': '.*\\.Regex\\.example\n' } },
    })
  })
  after(() => product.stop())

  it("a Bcc recipient gets their own copy, whatever becomes of SES's `for`", async () => {
    const sesRecipients = ['unknown-1@yours.example', 'bob@yours.example']
    const headers = { To: 'unknown-1@yours.example' }
    const first = await relay(product, { sesRecipients, to: ['bob@yours.example'], headers })
    assert.equal(first.reply.code, 250)
    assert.deepEqual(deliveredOf(product, first.mail), [{ hook: 'queue', to: ['bob@yours.example'] }])
    const second = await relay(product, { to: ['unknown-1@yours.example'], mail: first.mail })
    assert.equal(said(second.reply), TAKEN)
    assert.deepEqual(recipientsOf(await bounceOf(product, first.mail)), ['unknown-1@yours.example'])
  })

  it('an unknown Bcc recipient is bounced in a call of their own', async () => {
    const sesRecipients = ['anna@yours.example', 'unknown-bcc@yours.example']
    const headers = { To: 'anna@yours.example' }
    const { reply, mail } = await relay(product, {
      sesRecipients,
      to: ['unknown-bcc@yours.example'],
      headers,
    })
    assert.equal(said(reply), TAKEN)
    assert.deepEqual(recipientsOf(await bounceOf(product, mail)), ['unknown-bcc@yours.example'])
  })

  it('a recipient is found whose address stands where Haraka breaks the line of To', async () => {
    for (let room = 960; room <= 1010; room += 5) {
      const others = 'x'.repeat(room - 'To: @other.example, '.length)
      const headers = { To: `${others}@other.example, bob@yours.example` }
      const sesRecipients = ['unknown-1@yours.example', 'bob@yours.example']
      const { reply, mail } = await relay(product, { sesRecipients, to: ['bob@yours.example'], headers })
      assert.equal(reply.code, 250)
      assert.deepEqual(deliveredOf(product, mail), [{ hook: 'queue', to: ['bob@yours.example'] }], `${room}`)
      assert.deepEqual(product.jobs({ sesId: mail.sesId }), [])
    }
  })

  it('a recipient after 69 kB of others in To is bounced as the recipient of record', async () => {
    const others = Array.from({ length: 3000 }, (_, at) => `user-${at}@other.example`)
    const headers = { To: [...others, 'unknown-last@yours.example'].join(',\r\n ') }
    // Haraka keeps a thousand lines
    const folded = {
      To: headers.To.replace(/(?:[^\n]*\n){8}/g, lines => `${lines.replace(/\r\n */g, ' ').trim()}\r\n `),
    }
    const sesRecipients = ['anna@yours.example', 'unknown-last@yours.example']
    const { reply, mail } = await relay(product, {
      sesRecipients,
      to: ['unknown-last@yours.example'],
      headers: folded,
    })
    assert.equal(said(reply), TAKEN)
    assert.deepEqual(recipientsOf(await bounceOf(product, mail)), ['unknown-last@yours.example'])
  })

  it('a member of a mailing list is bounced as themselves', async () => {
    const headers = { To: 'list@lists.example' }
    const { mail } = await relay(product, { to: ['unknown-member@yours.example'], headers })
    assert.deepEqual(recipientsOf(await bounceOf(product, mail)), ['unknown-member@yours.example'])
  })

  it('no recipient is bounced twice, however often the relay repeats a mail', async () => {
    const to = ['unknown-1@yours.example']
    const sesRecipients = ['unknown-1@yours.example', 'unknown-2@yours.example']
    const { mail } = await relay(product, { sesRecipients, to })
    for (const again of [to, [...to, ...to], sesRecipients])
      assert.equal(said((await relay(product, { to: again, mail })).reply), TAKEN)
    const calls = await callsFor(product, mail)
    assert.deepEqual(
      calls.flatMap(({ input }) => (input ? recipientsOf(input) : [])).toSorted(),
      sesRecipients,
    )
  })

  it('a sender at a domain of host_list_regex gets no bounce', async () => {
    const { reply, mail } = await relay(product, {
      to: ['unknown-1@yours.example'],
      sender: 'someone@inner.regex.example',
    })
    assert.equal(said(reply), TAKEN)
    assert.deepEqual(
      keptOf(product, mail).flatMap(({ record }) => record.held.map(({ reason }) => reason)),
      ['unsafe: sender is one of our own domains'],
    )
  })
})

/** Aliases as haraka-plugin-aliases has them. */
const ALIASES = {
  'unknown-team': { action: 'alias', to: ['one@yours.example', 'two@yours.example'] },
  team: { action: 'alias', to: ['three@yours.example', 'unknown-target@yours.example'] },
}

/** Changes the address of the command itself. */
const IN_PLACE = `exports.hook_rcpt = (next, connection, [rcpt]) => {
  if (rcpt.user.endsWith('mapped')) {
    rcpt.user = 'box'
    rcpt.original = '<box@yours.example>'
  }
  next()
}
`

/** Puts new recipients in the place of those that there are. */
const LATE = `const { Address } = require('@haraka/email-address')
exports.hook_data_post = (next, { transaction }) => {
  const [late] = transaction.header.get_all('X-Late')
  if (late) transaction.rcpt_to = late.trim().split(' ').map(to => new Address('<' + to + '>'))
  next()
}
`

describe('a plugin that changes the recipients of a mail', function () {
  let product: Product
  before(async () => {
    product = await startFlow({
      rules: RULES,
      plugins: ['aliases', 'in_place', 'late', 'ses-bounce', 'probe'],
      files: {
        'config/aliases.json': JSON.stringify(ALIASES),
        'plugins/in_place.js': IN_PLACE,
        'plugins/late.js': LATE,
      },
    })
  })
  after(() => product.stop())

  it('rules are asked about the alias, and all its targets go with it when it is bounced', async () => {
    const { reply, mail } = await relay(product, { to: ['unknown-team@yours.example'] })
    assert.equal(said(reply), TAKEN)
    assert.deepEqual(deliveredOf(product, mail), [])
    assert.deepEqual(recipientsOf(await bounceOf(product, mail)), ['unknown-team@yours.example'])
  })

  it('the targets of other recipients get the mail when an alias is bounced', async () => {
    const to = [
      'anna@yours.example',
      'unknown-team@yours.example',
      'team@yours.example',
      'unknown-1@yours.example',
    ]
    const { reply, mail } = await relay(product, { to })
    assert.equal(reply.code, 250)
    assert.deepEqual(deliveredOf(product, mail), [
      { hook: 'queue', to: ['anna@yours.example', 'three@yours.example', 'unknown-target@yours.example'] },
    ])
    assert.deepEqual(recipientsOf(await bounceOf(product, mail)), [
      'unknown-1@yours.example',
      'unknown-team@yours.example',
    ])
  })

  it('rules are asked about the address in the command when a plugin changed it in place', async () => {
    const to = ['unknown-mapped@yours.example', 'mapped@yours.example']
    const { reply, mail } = await relay(product, { to })
    assert.equal(reply.code, 250)
    assert.deepEqual(deliveredOf(product, mail), [{ hook: 'queue', to: ['box@yours.example'] }])
    assert.deepEqual(recipientsOf(await bounceOf(product, mail)), ['unknown-mapped@yours.example'])
  })

  it('targets that a plugin adds at data_post belong to the only RCPT', async () => {
    const headers = { To: 'unknown-1@yours.example', 'X-Late': 'box@yours.example two@yours.example' }
    const { reply, mail } = await relay(product, { to: ['unknown-1@yours.example'], headers })
    assert.equal(said(reply), TAKEN)
    assert.deepEqual(deliveredOf(product, mail), [])
    assert.deepEqual(recipientsOf(await bounceOf(product, mail)), ['unknown-1@yours.example'])
  })

  it("a target that can't be attributed is quarantined rather than bounced", async () => {
    const headers = { 'X-Late': 'unknown-late@yours.example box@yours.example' }
    const { reply, mail } = await relay(product, { to: ['a@yours.example', 'b@yours.example'], headers })
    assert.equal(reply.code, 250)
    assert.deepEqual(deliveredOf(product, mail), [{ hook: 'queue', to: ['box@yours.example'] }])
    assert.deepEqual(
      keptOf(product, mail).flatMap(({ record }) => record.held.map(({ reason }) => reason)),
      ['mismatch: recipient added by another plugin'],
    )
    assert.deepEqual(product.jobs({ sesId: mail.sesId }), [])
  })
})

describe('a relay that maps recipients to others', function () {
  let product: Product
  before(async () => {
    product = await startFlow({ rules: RULES, ini: { relay: { recipients: 'rewritten' } } })
  })
  after(() => product.stop())

  it("SES's `for` is bounced for the only RCPT, also for one at a domain of ours", async () => {
    for (const to of ['box@yours.example', 'box@elsewhere.example']) {
      const { reply, mail } = await relay(product, { sesRecipients: ['unknown-1@yours.example'], to: [to] })
      assert.equal(said(reply), TAKEN)
      assert.deepEqual(recipientsOf(await bounceOf(product, mail)), ['unknown-1@yours.example'])
      assert.deepEqual(deliveredOf(product, mail), [])
    }
  })

  it('an unknown recipient beside others is quarantined where the relay maps recipients', async () => {
    const to = ['unknown-1@yours.example', 'box@yours.example']
    const { reply, mail } = await relay(product, { sesRecipients: to, to })
    assert.equal(reply.code, 250)
    assert.deepEqual(deliveredOf(product, mail), [{ hook: 'queue', to: ['box@yours.example'] }])
    assert.deepEqual(
      keptOf(product, mail).flatMap(({ record }) => record.held.map(({ reason }) => reason)),
      ['mismatch: several recipients from a relay that rewrites them'],
    )
  })
})

describe('a relay that keeps the recipients of SES', function () {
  let product: Product
  before(async () => {
    product = await startFlow({
      rules: RULES,
      ini: { relay: { recipients: 'kept', domains: '@.hosts.example' } },
    })
  })
  after(() => product.stop())

  it('recipients that the header does not name are bounced in one call where the relay keeps them', async () => {
    const to = ['unknown-1@yours.example', 'unknown-2@yours.example', 'unknown-3@hosts.example']
    const { reply, mail } = await relay(product, { to, headers: { To: 'anna@yours.example' } })
    assert.equal(said(reply), TAKEN)
    const calls = await callsFor(product, mail)
    assert.deepEqual(calls.flatMap(({ input }) => (input ? recipientsOf(input) : [])).toSorted(), to)
    // the bounce sender is of the recipient's domain
    assert.equal(calls.length, 2)
  })
})

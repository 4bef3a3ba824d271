// The effects of a rule's keys: deliver, mode, reply, fallback, guards; and the whole plugin in mode observe.

import assert from 'node:assert/strict'
import { bounceOf, deliveredOf, keptOf, mailFor, relay, said, startFlow } from './support/flow'
import type { SesMailOptions } from './support/mail'
import type { Product } from './support/product'

const RULES = `[plain]
recipient = plain-*@yours.example
action = bounce
bounce.type = DoesNotExist

[delivered]
recipient = delivered@yours.example
action = bounce
bounce.type = TemporaryFailure
deliver = true

[tried]
recipient = tried@yours.example
action = bounce
mode = observe

[after-tried]
recipient = tried@yours.example
action = quarantine

[only-tried]
recipient = only-tried@yours.example
action = drop
mode = observe

[worded-reject]
recipient = rejected@yours.example
action = reject
reply = 5.7.26 No, thanks, {sender}; see "help"

[worded-defer]
recipient = deferred@yours.example
action = defer
reply = Come back later, {recipient}

[own-fallback]
recipient = own-fallback@yours.example
action = bounce
fallback = accept

[lenient]
recipient = lenient@yours.example
action = bounce
guard.spam = false
guard.virus = false
guard.replied = false
guard.own_domains = false
guard.authentication = none

[severe]
recipient = severe@yours.example
action = bounce
guard.list_mail = true
guard.authentication = strict

[named-role]
recipient = abuse@yours.example
action = bounce

[read]
recipient = read@yours.example
attachment.count = > 5
action = reject
`

describe('a rule', function () {
  let product: Product
  before(async () => {
    product = await startFlow({ rules: RULES, ses: { identities: ['yours.example'], messages: [] } })
  })
  after(() => product.stop())

  it('bounces and delivers all the same', async () => {
    const { reply, mail } = await relay(product, {
      to: ['delivered@yours.example', 'plain-1@yours.example'],
    })
    assert.equal(said(reply), '250 captured')
    assert.deepEqual(deliveredOf(product, mail), [{ hook: 'queue', to: ['delivered@yours.example'] }])
    const { BouncedRecipientInfoList = [] } = await bounceOf(product, mail)
    assert.deepEqual(
      BouncedRecipientInfoList.map(({ Recipient, BounceType }) => `${Recipient} ${BounceType}`).toSorted(),
      ['delivered@yours.example TemporaryFailure', 'plain-1@yours.example DoesNotExist'],
    )
  })

  it('that only observes is logged, and the next one decides', async () => {
    const { reply, mail } = await relay(product, { to: ['tried@yours.example'] })
    assert.equal(reply.code, 250)
    assert.deepEqual(product.jobs({ sesId: mail.sesId }), [])
    assert.deepEqual(
      keptOf(product, mail).flatMap(({ record }) => record.held.map(({ rule }) => rule)),
      ['after-tried'],
    )
    await product.haraka.waitForLog(
      `rule=tried action=bounce recipient=tried@yours.example ses_id=${mail.sesId} mode=observe`,
    )
  })

  it('that only observes changes nothing when no other follows', async () => {
    const { mail } = await relay(product, { to: ['only-tried@yours.example'] })
    assert.deepEqual(deliveredOf(product, mail), [{ hook: 'queue', to: ['only-tried@yours.example'] }])
    await product.haraka.waitForLog(
      `rule=only-tried action=drop recipient=only-tried@yours.example ses_id=${mail.sesId} mode=observe`,
    )
  })

  it('refuses in its own words, never split', async () => {
    const { reply } = await relay(product, { to: ['rejected@yours.example'] })
    assert.equal(said(reply), '550 5.7.26 No, thanks, someone@origin.example; see "help"')
  })

  it('refuses for now in its own words', async () => {
    const { reply } = await relay(product, { to: ['deferred@yours.example'] })
    assert.equal(said(reply), '450 4.7.1 Come back later, deferred@yours.example')
  })

  it('has its own fallback', async () => {
    const { reply, mail } = await relay(product, { to: ['own-fallback@yours.example'], sender: '' })
    assert.equal(said(reply), '250 captured')
    assert.deepEqual(deliveredOf(product, mail), [{ hook: 'queue', to: ['own-fallback@yours.example'] }])
  })

  const unsafe: Record<string, SesMailOptions> = {
    spam: { spam: 'FAIL' },
    'a virus': { virus: 'FAIL' },
    'an automatic reply': { headers: { 'Auto-Submitted': 'auto-replied' } },
    'a sender of our own': { sender: 'someone@yours.example' },
    'a sender without proof': { spf: 'fail', dkim: [], dmarc: null },
  }
  for (const [what, options] of Object.entries(unsafe)) {
    it(`bounces ${what} when it says so, and only then`, async () => {
      const lenient = await relay(product, { to: ['lenient@yours.example'], ...options })
      await bounceOf(product, lenient.mail)
      const plain = await relay(product, { to: ['plain-1@yours.example'], ...options })
      assert.deepEqual(product.jobs({ sesId: plain.mail.sesId }), [])
      assert.equal(keptOf(product, plain.mail).length, 1)
    })
  }

  const doubtful: Record<string, SesMailOptions> = {
    'list mail': { headers: { 'List-Id': '<list.origin.example>' } },
    'a sender with no more proof than SPF': { dkim: [], dmarc: null },
  }
  for (const [what, options] of Object.entries(doubtful)) {
    it(`doesn't bounce ${what} when it says so, and only then`, async () => {
      const severe = await relay(product, { to: ['severe@yours.example'], ...options })
      assert.deepEqual(product.jobs({ sesId: severe.mail.sesId }), [])
      assert.equal(keptOf(product, severe.mail).length, 1)
      const plain = await relay(product, { to: ['plain-1@yours.example'], ...options })
      await bounceOf(product, plain.mail)
    })
  }

  it('bounces a role address that it names', async () => {
    const { mail } = await relay(product, { to: ['abuse@yours.example'] })
    await bounceOf(product, mail)
  })
})

describe('the whole plugin in mode observe', function () {
  let product: Product
  before(async () => {
    product = await startFlow({ rules: RULES, ini: { main: { mode: 'observe' } } })
  })
  after(() => product.stop())

  const actions: Record<string, string> = {
    'plain-1@yours.example': 'rule=plain action=bounce',
    'rejected@yours.example': 'rule=worded-reject action=reject',
    'deferred@yours.example': 'rule=worded-defer action=defer',
    'tried@yours.example': 'rule=after-tried action=quarantine',
  }
  for (const [recipient, decision] of Object.entries(actions)) {
    it(`logs ${decision}, and delivers`, async () => {
      const mail = mailFor(product, [recipient])
      const { reply } = await relay(product, { to: [recipient], mail })
      assert.equal(said(reply), '250 captured')
      assert.deepEqual(deliveredOf(product, mail), [{ hook: 'queue', to: [recipient] }])
      assert.deepEqual(product.jobs(), [])
      assert.deepEqual(keptOf(product, mail), [])
      const line = await product.haraka.waitForLog(`${decision} recipient=${recipient}`)
      assert.ok(line.includes(`ses_id=${mail.sesId}`), line)
      assert.ok(line.endsWith('mode=observe'), line)
    })
  }

  it('delivers what it could not read, and says so', async () => {
    const parts = '--part\r\nContent-Type: a/b\r\n\r\nx\r\n'.repeat(1500)
    const mail = mailFor(product, ['read@yours.example'], {
      headers: { 'Content-Type': 'multipart/mixed; boundary=part' },
      body: `${parts}--part--\r\n`,
    })
    const { reply } = await relay(product, { to: ['read@yours.example'], mail })
    assert.equal(said(reply), '250 captured')
    const line = await product.haraka.waitForLog('rule=read action=quarantine recipient=read@yours.example')
    assert.ok(line.includes(`ses_id=${mail.sesId}`), line)
    assert.ok(line.endsWith('because=unreadable detail="it has more than 1000 parts" mode=observe'), line)
  })

  it('has nothing to send', () => {
    assert.deepEqual(product.ses.calls, [])
  })
})

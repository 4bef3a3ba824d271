// A plugin, or a server behind Haraka, that suddenly refuses everybody, at each stage: nothing is bounced for its sake, and
// the relay comes again.

import assert from 'node:assert/strict'
import { ONE_MORE_TRY, route, send, startDelivery, startMovableServer } from '../support/delivery'
import { assertUntouched, callsFor, deliveredOf, relay, said } from '../support/flow'
import type { SesMail } from '../support/mail'
import type { Product } from '../support/product'
import { startRefusing } from '../support/refusers'
import { replyText } from '../support/smtp'
import { until } from '../support/wait'

const GOOD = 'user@yours.example'
const LATER = '450 4.3.0 Try again later'
const FEWEST = 20

const RULES = `
[unknown]
refused.by = ldap, nobody, scan, store
action = bounce
`

const ACCEPTS = `'use strict'
exports.hook_rcpt = (next, connection, [{ address }]) => next(address.startsWith('nobody') ? undefined : OK)
`

describe('with [refusals] surge, a server behind Haraka that refuses most recipients', function () {
  it('makes Haraka try again, until it accepts one', async () => {
    const server = await startMovableServer()
    const product = await startDelivery({
      ini: { refusals: { surge: '50%/10m' } },
      outbound: ONE_MORE_TRY,
      haraka: { nodes: 0 },
    })
    try {
      route(product, { 'yours.example': server.port })
      for (let at = 1; at <= FEWEST; at++) {
        const bad = `bad-${at}@yours.example`
        server.refuse.rcpt.set(bad, '550 5.1.1 No such user')
        const { mail } = await send(product, { to: [bad] })
        if (at < FEWEST) assert.equal((await oneCall(product, mail)).length, 1)
      }
      await product.haraka.waitForLog('tried again later: most recipients are refused')
      assert.equal(product.jobs().length, FEWEST - 1)
      await send(product, { to: [GOOD] })
      await product.haraka.waitForLog('it has accepted a recipient')
      await until(() => product.jobs({ state: 'sent' }).length === FEWEST, { what: 'the last bounce' })
    } finally {
      await product.stop()
      await server.close()
    }
  })
})

async function oneCall(product: Product, mail: SesMail) {
  await until(() => product.jobs({ sesId: mail.sesId }).length === 1, { what: `the bounce of ${mail.sesId}` })
  return callsFor(product, mail)
}

describe('with [refusals] surge', function () {
  let product: Product
  beforeEach(async () => {
    product = await startRefusing({
      above: ['ldap', 'scan', 'store'].map(name => ({ name })),
      ini: { refusals: { surge: '50%/10m' } },
      rules: RULES,
      files: { 'plugins/accept_all.js': ACCEPTS },
    })
  })
  afterEach(() => product.stop())

  const kinds: [what: string, options: (at: number) => Parameters<typeof relay>[1]][] = [
    ['at rcpt_ok', at => ({ to: [`ldap.rcpt_ok.dsn.${at}@yours.example`] })],
    ['by no plugin accepting it', at => ({ to: [`nobody.${at}@yours.example`] })],
    ['at data', at => ({ to: [`user.${at}@yours.example`], sender: 'scan.data.text@origin.example' })],
    [
      'at data_post',
      at => ({ to: [`user.${at}@yours.example`], sender: 'scan.data_post.text@origin.example' }),
    ],
    ['at queue', at => ({ to: [`user.${at}@yours.example`], sender: 'store.queue.text@origin.example' })],
  ]
  for (const [what, options] of kinds) {
    it(`a recipient refused ${what} hears 450 once most are refused, until one is accepted`, async () => {
      for (let at = 1; at < FEWEST; at++) {
        const { reply } = await relay(product, options(at))
        assert.equal(reply.code, 250, `recipient ${at}: ${replyText(reply)}`)
      }
      const later = await relay(product, options(FEWEST))
      // DATA has a code of its own
      assert.equal(said(later.reply), what === 'at data' ? LATER.replace('450', '451') : LATER)
      assertUntouched(product, later.mail)
      await product.haraka.waitForLog(/\[ERROR\].*has refused 20 of the last 20 recipients/)
      const good = await relay(product, { to: [GOOD] })
      assert.equal(good.reply.code, 250)
      assert.deepEqual(deliveredOf(product, good.mail), [{ hook: 'queue', to: [GOOD] }])
      const again = await relay(product, { ...options(FEWEST), mail: later.mail })
      assert.equal(again.reply.code, 250, replyText(again.reply))
      assert.equal((await callsFor(product, later.mail)).length, 1)
    })
  }
})

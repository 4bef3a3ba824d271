// A plugin that suddenly refuses everybody: nothing is bounced for its sake, and the relay comes again. Other stages than
// rcpt, and servers behind Haraka: refusals/refusals-surge.test.ts.

import assert from 'node:assert/strict'
import { sesBounce } from './support/command'
import { assertUntouched, callsFor, deliveredOf, relay, said } from './support/flow'
import { askHttp, TOKEN, webServers } from './support/http'
import { freePort } from './support/ports'
import type { Product } from './support/product'
import { startRefusing } from './support/refusers'
import { replyText } from './support/smtp'
import { until } from './support/wait'

const GOOD = 'user@yours.example'
/** A form of our own page. */
const OURS = { 'sec-fetch-site': 'same-origin', 'content-type': 'application/x-www-form-urlencoded' }
const LATER = '450 4.3.0 Try again later'
const FEWEST = 20

describe('with [refusals] surge', function () {
  let product: Product
  let port: number
  const bad = (at: number) => ({ to: [`ldap.rcpt.text.${at}@yours.example`] })

  beforeEach(async () => {
    port = await freePort()
    product = await startRefusing({
      above: [{ name: 'ldap' }],
      ini: { refusals: { surge: '50%/10m' }, http: { token: TOKEN } },
      rules: '[unknown]\nrefused.by = ldap\naction = bounce\n',
      files: { 'config/http.ini': `listen = 127.0.0.1:${port}\n` },
    })
  })
  afterEach(() => product.stop())

  it('a recipient refused at rcpt hears 450 once most are refused, until one is accepted', async () => {
    for (let at = 1; at < FEWEST; at++) {
      const { reply } = await relay(product, bad(at))
      assert.equal(reply.code, 250, `recipient ${at}: ${replyText(reply)}`)
    }
    const later = await relay(product, bad(FEWEST))
    assert.equal(said(later.reply), LATER)
    assertUntouched(product, later.mail)
    await product.haraka.waitForLog(/\[ERROR\].*has refused 20 of the last 20 recipients/)
    const good = await relay(product, { to: [GOOD] })
    assert.equal(good.reply.code, 250)
    assert.deepEqual(deliveredOf(product, good.mail), [{ hook: 'queue', to: [GOOD] }])
    const again = await relay(product, { ...bad(FEWEST), mail: later.mail })
    assert.equal(again.reply.code, 250, replyText(again.reply))
    assert.equal((await callsFor(product, later.mail)).length, 1)
  })

  it('an operator sees refusals and the surge on the page, in the metrics and by the command, and ends it', async () => {
    await webServers(product.haraka, 1)
    for (let at = 0; at < FEWEST; at++) await relay(product, bad(at))
    const trusted = { authorization: `Bearer ${TOKEN}` }
    const metrics = await until(
      async () => {
        const { text } = await askHttp(port, '/metrics', trusted)
        return text.includes('outcome="deferred"') && text
      },
      { what: 'the refusals in the metrics' },
    )
    assert.match(metrics, /ses_bounce_refusals_total\{by="ldap",outcome="bounced",stage="rcpt"\} 19/)
    assert.match(metrics, /ses_bounce_refusals_surge\{by="ldap"\} 1/)
    const { headers } = await askHttp(port, '/session', OURS, `token=${TOKEN}`)
    const cookie = headers['set-cookie']?.[0]?.split(';', 1)[0] ?? ''
    const [seen, unseen] = await Promise.all([askHttp(port, '/', { cookie }), askHttp(port, '/')])
    assert.ok(seen.text.includes('ldap has refused 20 of the last 20 recipients'))
    assert.ok(seen.text.includes('refused by ldap at rcpt'))
    assert.ok(unseen.text.includes('has refused 20 of the last 20 recipients'))
    assert.ok(unseen.text.includes('Refusals by other plugins'))
    assert.ok(!unseen.text.includes('ldap'))

    assert.equal(said((await relay(product, bad(100))).reply), LATER)
    const listed = await sesBounce(product, 'refusals', 'list')
    assert.equal(listed.code, 1)
    assert.match(listed.lines[0] ?? '', /^ldap \(rcpt\) has refused 20 of the last 20 recipients, since 20/)
    const resumed = await sesBounce(product, 'refusals', 'resume')
    assert.equal(resumed.code, 0)
    assert.equal((await relay(product, bad(101))).reply.code, 250)
    assert.equal((await sesBounce(product, 'refusals', 'list')).code, 0)
    assert.equal((await sesBounce(product, 'refusals', 'resume')).code, 1)
  })
})

// A relay that rewrites recipients, and isn't said to: nothing goes out in a wrong name, and operators hear of it.

import assert from 'node:assert/strict'
import { sesBounce } from './support/command'
import { callsFor, keptOf, relay, said } from './support/flow'
import { askHttp, startServed } from './support/http'
import type { Product } from './support/product'
import { until } from './support/wait'

const RULES = '[unknown]\nrecipient = unknown*@yours.example\naction = bounce\nbounce.type = DoesNotExist\n'
const WARNING = /the relay seems to rewrite recipients; set \[relay\] recipients/i

describe('a relay that rewrites recipients and is not said to', () => {
  let product: Product
  let port: number
  before(async () => {
    ;({ product, port } = await startServed(RULES))
  })
  after(() => product?.stop())

  /** SES had somebody else, whom the header names. */
  async function rewritten(to: string): Promise<string> {
    const { reply, mail } = await relay(product, { sesRecipients: ['anna@yours.example'], to: [to] })
    assert.equal(said(reply), '250 Message accepted by policy')
    const calls = await callsFor(product, mail)
    assert.equal(calls.length, 1)
    assert.equal(calls[0]?.outcome.status, 400)
    await until(
      () =>
        keptOf(product, mail).some(({ record }) =>
          record.held.some(({ reason }) => reason.startsWith('mismatch: ')),
        ),
      { what: 'the mail in the quarantine' },
    )
    const [job] = product.jobs({ sesId: mail.sesId })
    return job?.state ?? ''
  }

  it('is told of in the log, by check and on the page, once SES has refused three of its recipients', async () => {
    for (const to of ['unknown-1@yours.example', 'unknown-2@yours.example'])
      assert.equal(await rewritten(to), 'failed')
    const before = await sesBounce(product, 'check')
    assert.doesNotMatch(before.lines.join('\n'), WARNING)
    // a pause would keep those behind it back
    for (let at = 3; at <= 7; at++) assert.equal(await rewritten(`unknown-${at}@yours.example`), 'failed')
    assert.match(await product.haraka.waitForLog(WARNING), /\[WARN\]/)
    const { code, lines } = await sesBounce(product, 'check')
    assert.equal(code, 0)
    assert.match(lines.join('\n'), WARNING)
    await until(async () => WARNING.test((await askHttp(port, '/')).text), {
      what: 'the warning on the page',
    })
    const json = await sesBounce(product, 'queue', 'list', '--json')
    assert.match(json.lines.join(''), /"is_unconfirmed":true/)
  })
})

describe('a relay whose mails name other recipients at SES than it gives', () => {
  let product: Product
  before(async () => {
    ;({ product } = await startServed(
      '[bounce]\nrecipient = nobody@yours.example\naction = bounce\nbounce.type = Undefined\n[none]\nsubject = none\naction = drop\n',
    ))
  })
  after(() => product?.stop())

  it('is told of in the log when most mails of a day with one recipient are so', async () => {
    for (let at = 0; at < 4; at++) {
      const sesRecipients = ['anna@yours.example']
      const { reply } = await relay(product, { sesRecipients, to: [`box${at}@yours.example`] })
      assert.equal(reply.code, 250)
    }
    assert.match(await product.haraka.waitForLog(WARNING), /(3 of 3|4 of 4) mails with one recipient/)
  })
})

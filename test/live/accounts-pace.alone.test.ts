// The pace of several accounts, as SES sees it: each has its own, also while the credentials of its role are renewed in the
// middle of a queue, by an STS that is slow.

import assert from 'node:assert/strict'
import { tooSoon } from './support/pace'
import { type Product, startProduct } from './support/product'

const INTERVAL_MS = 1000
const ACCOUNTS = { one: '111111111111', two: '222222222222' }
/** Mails of each account. More for a longer look: `COUNT=60 npx mocha test/live/accounts-pace.alone.test.ts` */
const COUNT = Number(process.env['COUNT'] ?? 12)
/** Shorter than the queue takes, so that each role is asked for several times. */
const SESSION_MS = 4000
/** Calls a second that each lane must reach, of the one that SES allows. */
const LEAST_RATE = 0.93

describe('the pace of several accounts', function () {
  let product: Product
  before(async () => {
    const sections = Object.entries(ACCOUNTS).map(([name, account]) => [
      `account.${name}`,
      { role: `arn:aws:iam::${account}:role/ses-bounce`, domains: `${name}.example` },
    ])
    product = await startProduct({
      ini: Object.fromEntries(sections),
      ses: { sessionMs: SESSION_MS, handshakeDelayMs: 150 },
      haraka: { files: { 'config/host_list': 'one.example\ntwo.example\n' } },
    })
  })
  after(() => product.stop())

  it('is one call a second for each, through several sessions of its role, and none is throttled or refused', async () => {
    const sent = await Promise.all(
      Object.keys(ACCOUNTS).flatMap(name =>
        Array.from({ length: COUNT }, (_, n) => product.deliver({ recipient: `user${n}@${name}.example` })),
      ),
    )
    for (const { reply } of sent) assert.equal(reply.code, 250, reply.text)
    const bounces = (account: string) =>
      product.ses.calls.filter(call => call.account === account && call.action === 'SendBounce')
    const sessions = (account: string) =>
      product.ses.calls.filter(({ params }) => params['RoleArn']?.includes(account))
    const endMs = performance.now() + COUNT * 2000 + 10_000
    while (Object.values(ACCOUNTS).some(account => bounces(account).length < COUNT)) {
      assert.ok(performance.now() < endMs, 'all calls are made in time')
      await product.calls(product.ses.calls.length + 1)
    }
    for (const account of Object.values(ACCOUNTS)) {
      const calls = bounces(account)
      assert.deepEqual(
        calls.filter(({ outcome }) => outcome.code !== undefined).map(({ outcome }) => outcome),
        [],
      )
      assert.deepEqual(tooSoon(calls, INTERVAL_MS), [])
      const [first, last] = [calls[0], calls.at(-1)]
      const rate = ((calls.length - 1) * 1000) / ((last?.atMs ?? 0) - (first?.atMs ?? 0))
      assert.ok(rate >= LEAST_RATE, `${rate} calls a second`)
      assert.ok(sessions(account).length >= 3, `${sessions(account).length} sessions`)
    }
    const starts = Object.values(ACCOUNTS).map(account => bounces(account)[0]?.atMs ?? 0)
    assert.ok(Math.abs((starts[0] ?? 0) - (starts[1] ?? 0)) < INTERVAL_MS * 2, 'they go on beside each other')
  })
})

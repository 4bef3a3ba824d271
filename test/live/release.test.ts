// Mail from the quarantine goes back through the same Haraka, past the rules; nobody else gets past them.

import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { folderTokens, releaseTokenFolder } from '../../src/quarantine/release-token'
import { sesBounce } from './support/command'
import { deliveredOf, keptOf, mailFor, relay, said, startFlow } from './support/flow'
import type { Product } from './support/product'
import { openSession, sendMail } from './support/smtp'

const RULES = `[held]\nrecipient = held@yours.example, other@yours.example\naction = quarantine\n`

describe('ses-bounce quarantine release', function () {
  let product: Product
  before(async () => {
    product = await startFlow({ rules: RULES, haraka: { nodes: 2 } })
  })
  after(() => product.stop())

  const quarantine = (...args: string[]) => sesBounce(product, 'quarantine', ...args)
  const list = async () =>
    (await quarantine('list', '--json')).lines.map(
      line => JSON.parse(line) as { id: string; subject: string },
    )

  it('delivers the mail once to the quarantined recipients, and deletes it', async () => {
    const to = ['held@yours.example', 'user@yours.example']
    const { mail } = await relay(product, { to, headers: { Subject: 'For the quarantine' } })
    assert.deepEqual(deliveredOf(product, mail), [{ hook: 'queue', to: ['user@yours.example'] }])
    const [kept, ...more] = await list()
    assert.ok(kept)
    assert.deepEqual([kept.subject, more.length], ['For the quarantine', 0])
    assert.deepEqual(await quarantine('release', kept.id), {
      code: 0,
      errors: [],
      lines: [`${kept.id}: released to held@yours.example`],
    })
    assert.deepEqual(
      deliveredOf(product, mail).map(({ to: recipients }) => recipients),
      [['user@yours.example'], ['held@yours.example']],
    )
    assert.deepEqual(keptOf(product, mail), [])
    assert.deepEqual(await list(), [])
    assert.equal((await quarantine('release', kept.id)).code, 1)
    assert.deepEqual(readdirSync(path.join(product.haraka.dir, 'ses-bounce/passes')), [])
  })

  it('gives nobody else a way past the rules', async () => {
    const { mail } = await relay(product, { to: ['held@yours.example'] })
    for (const token of ['0'.repeat(64), 'x', '../quarantine']) {
      const { reply } = await sendMail({
        port: product.haraka.port,
        from: 'joe@origin.example',
        to: ['held@yours.example'],
        data: mail.data,
        before: `XSESBOUNCEPASS ${token}`,
      })
      assert.equal(said(reply), '550 5.7.1 This release token is not valid', token)
    }
    assert.deepEqual(deliveredOf(product, mail), [])
    assert.equal(keptOf(product, mail).length, 1)
  })

  it('holds for one mail only, not for the next in the same connection', async () => {
    const [first, second] = [1, 2].map(() => mailFor(product, ['other@yours.example']))
    assert.ok(first && second)
    const { token } = await folderTokens(releaseTokenFolder(product.haraka.dir)).issue(Date.now())
    const before = `XSESBOUNCEPASS ${token}`
    const envelope = { from: 'joe@origin.example', to: ['other@yours.example'] }
    const session = await openSession({ port: product.haraka.port })
    const replies = []
    for (const mail of [
      { ...envelope, data: first.data, before },
      { ...envelope, data: second.data },
      { ...envelope, data: second.data, before },
    ])
      replies.push(said((await session.mail(mail)).reply))
    await session.quit()
    assert.deepEqual(replies, [
      '250 captured',
      '250 Message accepted by policy',
      '550 5.7.1 This release token is not valid',
    ])
    assert.deepEqual([deliveredOf(product, first).length, keptOf(product, first).length], [1, 0])
    assert.deepEqual([deliveredOf(product, second).length, keptOf(product, second).length], [0, 1])
  })
})

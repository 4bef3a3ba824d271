// How many bounces a sender, his domain and a rule get: counted on disk, for all workers, through a restart.

import assert from 'node:assert/strict'
import type { SesEmulator } from '../../src/ses-emulator/options'
import { startSesEmulator } from '../../src/ses-emulator/server'
import { bounceOf, keptOf, type RelayOptions, relay, said, startFlow } from './support/flow'
import type { Product } from './support/product'

const RULES = `[capped]
recipient = capped-*@yours.example
action = bounce
cap = 3/day
fallback = reject

[unknown]
recipient = *@yours.example
action = bounce
`

describe('a cap', function () {
  let product: Product
  let ses: SesEmulator
  const start = (haraka: { dir?: string }) =>
    startFlow({
      rules: RULES,
      ini: { limit: { per_sender: '2/day', per_sender_domain: '5/day' } },
      localSes: ses,
      haraka: { ...haraka, nodes: 2 },
    })
  before(async () => {
    ses = await startSesEmulator({ messages: 'any', intervalMs: 0 })
    product = await start({})
  })
  after(async () => {
    await product.stop()
    await ses.close()
  })

  /** `bounced`, or why not. */
  async function fate(options: RelayOptions): Promise<string> {
    const { reply, mail } = await relay(product, options)
    if (reply.code !== 250) return said(reply)
    const [kept] = keptOf(product, mail)
    if (kept !== undefined) return kept.record.held.map(({ reason }) => reason).join()
    await bounceOf(product, mail)
    return 'bounced'
  }

  it('limits a sender under all its addresses, and the mail is kept', async () => {
    const to = ['nobody@yours.example']
    assert.equal(await fate({ to, sender: 'list+1@a.example', spfDomain: 'a.example' }), 'bounced')
    assert.equal(await fate({ to, sender: 'list+2@a.example', spfDomain: 'a.example' }), 'bounced')
    assert.equal(
      await fate({ to, sender: 'prvs=0123abcd=list@a.example', spfDomain: 'a.example' }),
      'capped: more than 2/day for this sender',
    )
    assert.equal(await fate({ to, sender: 'other@a.example', spfDomain: 'a.example' }), 'bounced')
  })

  it('limits each customer of a provider that uses one return domain for all', async () => {
    const from = (firm: string, letter: string) =>
      fate({
        sender: `${letter}-0102018e5c2f3a1a7@provider.example`,
        spfDomain: 'provider.example',
        dkim: [
          { result: 'pass', domain: firm },
          { result: 'pass', domain: 'provider.example' },
        ],
        dmarc: { result: 'pass', domain: firm },
        headers: { From: `alice@${firm}` },
      })
    for (const firm of ['one.example', 'two.example', 'three.example'])
      assert.equal(await from(firm, 'bounce'), 'bounced')
    assert.equal(await from('one.example', 'bounce'), 'bounced')
    assert.equal(await from('one.example', 'bounce'), 'capped: more than 2/day for this sender')
  })

  it('limits all senders at a domain together', async () => {
    const from = (name: string) => fate({ sender: `${name}@b.example`, spfDomain: 'b.example' })
    for (const name of ['ann', 'ben', 'carl', 'dora', 'emil']) assert.equal(await from(name), 'bounced')
    assert.equal(await from('fay'), "capped: more than 5/day for the sender's domain")
  })

  it('limits a rule, whose own fallback is used, and counts the recipients of one mail', async () => {
    const to = [
      'capped-1@yours.example',
      'capped-2@yours.example',
      'capped-3@yours.example',
      'capped-4@yours.example',
    ]
    const { reply, mail } = await relay(product, { to, sender: 'x@c.example', spfDomain: 'c.example' })
    assert.equal(reply.code, 250)
    const { BouncedRecipientInfoList } = await bounceOf(product, mail)
    assert.equal(BouncedRecipientInfoList?.length, 3)
    assert.deepEqual(
      keptOf(product, mail).flatMap(({ record }) => record.held.map(({ recipient }) => recipient)),
      ['capped-4@yours.example'],
    )
    assert.equal(
      await fate({ to: ['capped-5@yours.example'], sender: 'y@d.example', spfDomain: 'd.example' }),
      '550 5.0.0 Refused by policy (not bounced: more than 3/day by this rule)',
    )
  })

  it('is kept across a restart', async () => {
    await product.haraka.stop()
    product = await start({ dir: product.haraka.dir })
    assert.equal(
      await fate({ to: ['capped-6@yours.example'], sender: 'z@e.example', spfDomain: 'e.example' }),
      '550 5.0.0 Refused by policy (not bounced: more than 3/day by this rule)',
    )
  })
})

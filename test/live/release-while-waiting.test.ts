// A mail in the quarantine is still needed by its bounces that wait: releasing or deleting it for some of its recipients
// loses it for nobody else.

import assert from 'node:assert/strict'
import { main } from '../../src/cli/main'
import { holdDispatcher } from './support/dispatcher'
import { deliveredOf, keptOf, relay, said, startFlow } from './support/flow'
import { rawKept } from './support/kept'
import type { SesMail } from './support/mail'
import type { Product } from './support/product'
import { until } from './support/wait'

const RULES = `[bad]
recipient = bad*@yours.example
action = bounce
bounce.type = ContentRejected
bounce.text = Refused.

[unknown]
recipient = *@yours.example
action = bounce
bounce.type = DoesNotExist
`
const BAD = 'bad@yours.example'
const HELD = 'held@yours.example'

describe('mail that was quarantined for one recipient while the bounce of another waits', function () {
  let product: Product
  before(async () => {
    product = await startFlow({
      rules: RULES,
      ses: {
        messages: [],
        faults: ({ params }) =>
          params['BouncedRecipientInfoList.member.1.Recipient']?.startsWith('bad')
            ? { kind: 'error', status: 400, code: 'MessageRejected', message: 'Message not found.' }
            : undefined,
      },
    })
  })
  after(() => product?.stop())

  const cli = async (...args: string[]) => {
    const lines: string[] = []
    const write = (line: string) => void lines.push(line)
    const code = await main([...args, '--dir', product.haraka.dir], { line: write, error: write })
    return { code, text: lines.join('\n') }
  }
  const idOf = async (mail: SesMail) => {
    const { text } = await cli('quarantine', 'list', '--json')
    const all = text.split('\n').map(line => JSON.parse(line) as { id: string; receipt: { ses_id: string } })
    return all.find(({ receipt }) => receipt.ses_id === mail.sesId)?.id ?? ''
  }
  const heldFor = (mail: SesMail) =>
    keptOf(product, mail).flatMap(({ record }) => record.held.map(({ recipient }) => recipient))

  /** The job of the other recipient. */
  async function halfQuarantined(): Promise<{ mail: SesMail; id: string; job: string }> {
    const go = await holdDispatcher(product)
    const { mail, reply } = await relay(product, { to: [BAD, HELD] })
    assert.equal(said(reply), '250 Message accepted by policy')
    const job =
      product.jobs({ sesId: mail.sesId }).find(({ recipients }) => recipients[0]?.address === HELD)?.id ?? ''
    assert.equal((await cli('queue', 'hold', job)).code, 0)
    go()
    await until(() => heldFor(mail).length === 1, { what: 'the mail in the quarantine' })
    return { mail, job, id: await idOf(mail) }
  }

  for (const word of ['delete', 'release']) {
    it(`is there for the other when that bounce isn't made, after quarantine ${word}`, async () => {
      const { mail, id, job } = await halfQuarantined()
      const { code, text } = await cli('quarantine', word, id)
      assert.equal(code, 0, text)
      assert.match(text, /; the mail stays, as it waits for other bounces$/)
      assert.deepEqual(heldFor(mail), [])
      assert.equal(rawKept(product, 'kept', mail).length, 1)
      if (word === 'release') assert.deepEqual(deliveredOf(product, mail)[0]?.to, [BAD])
      assert.equal((await cli('queue', 'cancel', job)).code, 0)
      await until(() => heldFor(mail).length === 1, { what: 'the mail in the quarantine again' })
      assert.deepEqual(heldFor(mail), [HELD])
      assert.equal((await cli('quarantine', 'release', await idOf(mail))).code, 0)
      assert.deepEqual(deliveredOf(product, mail).at(-1)?.to, [HELD])
      assert.deepEqual(rawKept(product, 'kept', mail).length + keptOf(product, mail).length, 0)
    })
  }

  it('goes when the bounce of the other is made, after quarantine delete', async () => {
    const { mail, id, job } = await halfQuarantined()
    assert.equal((await cli('quarantine', 'delete', id)).code, 0)
    assert.equal((await cli('queue', 'retry', job)).code, 0)
    await until(() => rawKept(product, 'kept', mail).length === 0, { what: 'the mail to go' })
    assert.deepEqual(keptOf(product, mail), [])
    assert.equal(product.jobs({ sesId: mail.sesId }).find(({ id: one }) => one === job)?.state, 'sent')
  })
})

// SMTP has one reply for all recipients: what becomes of a mail for two of them, for every pair of actions.

import assert from 'node:assert/strict'
import {
  asHandedOn,
  assertUntouched,
  bounceOf,
  deliveredOf,
  keptOf,
  recipientsOf,
  relay,
  said,
  startFlow,
} from './support/flow'
import type { SesMail } from './support/mail'
import type { Product } from './support/product'

const ACTIONS = ['accept', 'bounce', 'reject', 'defer', 'quarantine', 'drop'] as const
type Action = (typeof ACTIONS)[number]
type Pair = readonly [Action, Action]

const RULES = ACTIONS.map(
  action => `[${action}]\nrecipient = ${action}-*@yours.example\naction = ${action}\n`,
)

const PAIRS: Pair[] = ACTIONS.flatMap(first => ACTIONS.map((second): Pair => [first, second]))

describe('a mail for two recipients', function () {
  let product: Product
  before(async () => {
    product = await startFlow({ rules: RULES.join('\n') })
  })
  after(() => product.stop())

  for (const pair of PAIRS) {
    it(`${pair[0]} and ${pair[1]}`, async () => {
      const to = pair.map((action, index) => `${action}-${pair.join('.')}-${index}@yours.example`)
      const { reply, mail } = await relay(product, { to })
      if (pair.includes('defer')) {
        assert.equal(said(reply), '450 4.7.1 Refused for now by policy')
        assertUntouched(product, mail)
      } else if (pair.every(action => action === 'reject')) {
        assert.equal(said(reply), '550 5.7.1 Refused by policy')
        assertUntouched(product, mail)
      } else {
        assert.equal(reply.code, 250, reply.text)
        const whom = (...actions: Action[]) =>
          to.filter((_, index) => actions.includes(pair[index] ?? 'drop'))
        assertDelivered(product, mail, whom('accept'))
        await assertBounced(product, mail, whom('bounce'))
        assertKept(product, mail, whom('quarantine', 'reject'))
        await assertWarned(product, mail, whom('reject'), whom('accept', 'bounce', 'quarantine', 'drop'))
      }
    })
  }
})

function assertDelivered(product: Product, mail: SesMail, recipients: string[]): void {
  const expected = recipients.length === 0 ? [] : [{ hook: 'queue', to: recipients }]
  assert.deepEqual(deliveredOf(product, mail), expected)
}

async function assertBounced(product: Product, mail: SesMail, recipients: string[]): Promise<void> {
  const jobs = product.jobs({ sesId: mail.sesId })
  assert.deepEqual(
    jobs.map(job => job.recipients.map(({ address }) => address)),
    recipients.length === 0 ? [] : [recipients],
  )
  if (recipients.length === 0) return
  assert.deepEqual(recipientsOf(await bounceOf(product, mail)), recipients)
}

function assertKept(product: Product, mail: SesMail, recipients: string[]): void {
  const kept = keptOf(product, mail)
  assert.equal(kept.length, recipients.length === 0 ? 0 : 1)
  for (const { eml, record } of kept) {
    const [received, rest] = split(eml)
    assert.match(received, /^Received: from [^]*\sby mx\.yours\.example /)
    assert.equal(rest, asHandedOn(mail))
    assert.deepEqual(record.held.map(({ recipient }) => recipient).toSorted(), recipients.toSorted())
    for (const { recipient, rule, reason } of record.held) {
      assert.equal(rule, recipient.split('-')[0])
      assert.match(reason, rule === 'reject' ? /^rejected, while other recipients were not/ : /^by the rule$/)
    }
    assert.equal(record.envelope.sender, 'someone@origin.example')
    assert.equal(record.envelope.recipients.length, 2)
    assert.equal(record.envelope.relayIp, '127.0.0.1')
  }
}

async function assertWarned(
  { haraka }: Product,
  { sesId }: SesMail,
  rejected: string[],
  others: string[],
): Promise<void> {
  const warning = (recipient: string) => `recipient=${recipient} ses_id=${sesId} warning=`
  for (const recipient of rejected) assert.match(await haraka.waitForLog(warning(recipient)), /\[WARN\]/)
  const log = haraka.log().join('\n')
  assert.deepEqual(
    others.filter(recipient => log.includes(warning(recipient))),
    [],
  )
}

/** The first header field, with its folds, and all below it. */
function split(eml: Buffer): [string, string] {
  const text = eml.toString('latin1')
  const end = /\r\n(?![ \t])/.exec(text)?.index ?? 0
  return [text.slice(0, end), text.slice(end + 2)]
}

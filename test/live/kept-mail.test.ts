// A mail that got 250 never vanishes: the raw mail of a bounce is on disk until SES has made the bounce, and in
// the quarantine when SES doesn't.

import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { main } from '../../src/cli/main'
import { Database } from '../../src/queue/sqlite/database'
import { openOperatorQueue } from '../../src/queue/sqlite/open'
import { byHand } from '../queue/by-hand-calls'
import { holdDispatcher } from './support/dispatcher'
import { asHandedOn, bounceOf, callsFor, keptOf, mailFor, relay, said, startFlow } from './support/flow'
import { rawKept } from './support/kept'
import type { SesMail } from './support/mail'
import type { Product } from './support/product'
import { until } from './support/wait'

const RULES = `[both]
recipient = both@yours.example
action = bounce
deliver = true

[unknown]
recipient = *@yours.example
action = bounce
bounce.type = DoesNotExist
`
const TAKEN = '250 Message accepted by policy'
const REFUSED = {
  kind: 'error',
  status: 400,
  code: 'MessageRejected',
  message: 'Message not found.',
} as const

describe('the mail of a bounce', function () {
  let product: Product
  let refusals: (bouncedTo: string) => boolean
  before(async () => {
    product = await startFlow({
      rules: RULES,
      ses: {
        messages: [],
        faults: ({ params }) =>
          refusals(params['BouncedRecipientInfoList.member.1.Recipient'] ?? '') ? REFUSED : undefined,
      },
    })
  })
  beforeEach(() => {
    refusals = address => address.startsWith('bad')
  })
  after(() => product.stop())

  const inKept = (mail: SesMail) => rawKept(product, 'kept', mail)
  const gone = (mail: SesMail) =>
    until(() => inKept(mail).length === 0 && keptOf(product, mail).length === 0, { what: 'the mail to go' })
  const quarantined = (mail: SesMail) =>
    until(() => inKept(mail).length === 0 && keptOf(product, mail)[0], { what: 'the mail in the quarantine' })

  it('is on disk before the 250, byte for byte, and goes when SES has made the bounce', async () => {
    const release = await holdDispatcher(product)
    const { reply, mail } = await relay(product)
    assert.equal(said(reply), TAKEN)
    const [raw, ...more] = inKept(mail)
    assert.equal(more.length, 0)
    assert.ok(raw?.toString('latin1').endsWith(asHandedOn(mail)))
    release()
    await bounceOf(product, mail)
    await gone(mail)
    // the mail goes first, the record behind it
    const kept = path.join(product.haraka.dir, 'ses-bounce/kept')
    await until(() => readdirSync(kept).length === 0, { what: 'the record to go' })
  })

  it("is in the quarantine with its job and SES's words when SES refuses the bounce", async () => {
    const { reply, mail } = await relay(product, { to: ['bad@yours.example'] })
    assert.equal(said(reply), TAKEN)
    const { eml, record } = await quarantined(mail)
    const [job] = product.jobs({ sesId: mail.sesId })
    assert.deepEqual(record.held, [
      {
        recipient: 'bad@yours.example',
        rule: 'unknown',
        reason: 'its bounce has failed: 400 MessageRejected: Message not found.',
        job: job?.id,
      },
    ])
    assert.equal(record.sender, mail.sender)
    assert.ok(eml.toString('latin1').endsWith(asHandedOn(mail)))
    await product.haraka.waitForLog(
      new RegExp(`the mail of job=${job?.id} is in the quarantine as [0-9a-f]{24}`),
    )
  })

  it('is held for those alone whose bounce failed, and goes once all are sent by hand', async () => {
    const to = ['bad-1@yours.example', 'bad-2@yours.example', 'good@yours.example']
    const { mail } = await relay(product, { to })
    await until(() => keptOf(product, mail)[0]?.record.held.length === 2, { what: 'both entries' })
    const jobOf = (address: string) =>
      product.jobs({ sesId: mail.sesId }).find(({ recipients }) => recipients[0]?.address === address)?.id ??
      ''
    refusals = () => false
    retry(product, jobOf('bad-1@yours.example'))
    await until(() => keptOf(product, mail)[0]?.record.held.length === 1, { what: 'one entry to go' })
    assert.deepEqual(
      keptOf(product, mail)[0]?.record.held.map(({ recipient }) => recipient),
      ['bad-2@yours.example'],
    )
    retry(product, jobOf('bad-2@yours.example'))
    await gone(mail)
  })

  it('goes to the quarantine when an operator cancels the job', async () => {
    const release = await holdDispatcher(product)
    const { mail } = await relay(product)
    const [job] = product.jobs({ sesId: mail.sesId })
    atOperator(product, queue => byHand(queue).cancel(job?.id ?? '', Date.now()))
    release()
    const { record } = await quarantined(mail)
    assert.deepEqual(
      record.held.map(({ reason }) => reason),
      ['its bounce has been cancelled: it was cancelled by hand'],
    )
  })

  it('stays where it is while its job is held, and `queue show` says where', async () => {
    const release = await holdDispatcher(product)
    const { mail } = await relay(product)
    const [job] = product.jobs({ sesId: mail.sesId })
    atOperator(product, queue => byHand(queue).hold(job?.id ?? '', Date.now()))
    release()
    // another one goes all the way meanwhile
    const other = await relay(product)
    await bounceOf(product, other.mail)
    await gone(other.mail)
    assert.equal(inKept(mail).length, 1)
    const shown = await cli(product, 'queue', 'show', job?.id ?? '')
    assert.match(shown, /the mail +\S+ses-bounce\/kept\/[0-9a-f]{24}\.eml/)
    atOperator(product, queue => byHand(queue).cancel(job?.id ?? '', Date.now()))
    await quarantined(mail)
    assert.match(
      await cli(product, 'queue', 'show', job?.id ?? ''),
      /the mail +\S+\/quarantine\/[0-9a-f]{24}\.eml/,
    )
  })

  it('is kept once when the relay delivers it many times at once, and not again once it was bounced', async () => {
    const to = ['user-1@yours.example', 'user-2@yours.example']
    const release = await holdDispatcher(product)
    const mail = mailFor(product, to)
    const results = await Promise.all(Array.from({ length: 6 }, () => relay(product, { to, mail })))
    assert.deepEqual([...new Set(results.map(({ reply }) => said(reply)))], [TAKEN])
    assert.equal(inKept(mail).length, 1)
    release()
    await bounceOf(product, mail)
    await gone(mail)
    await relay(product, { to, mail })
    assert.deepEqual(inKept(mail), [])
  })

  it('is answered with 250 when it is delivered again after its bounce failed, and no second copy is made', async () => {
    const to = ['bad@yours.example']
    const { mail } = await relay(product, { to })
    await quarantined(mail)
    const { reply } = await relay(product, { to, mail })
    assert.equal(said(reply), TAKEN)
    assert.equal(keptOf(product, mail).length, 1)
    assert.deepEqual(inKept(mail), [])
    assert.equal((await callsFor(product, mail)).length, 1)
  })

  it('is quarantined again when it is delivered again after the first copy was deleted by hand', async () => {
    const to = ['bad@yours.example']
    const { mail } = await relay(product, { to })
    await quarantined(mail)
    const { id } = JSON.parse((await cli(product, 'quarantine', 'list', '--json')).split('\n')[0] ?? '') as {
      id: string
    }
    await cli(product, 'quarantine', 'delete', id)
    assert.deepEqual(keptOf(product, mail), [])
    assert.equal(said((await relay(product, { to, mail })).reply), TAKEN)
    assert.equal(keptOf(product, mail).length, 1)
  })

  it('goes to the quarantine though another one before it cannot be dealt with', async () => {
    const release = await holdDispatcher(product)
    const mails = [(await relay(product)).mail, (await relay(product)).mail]
    const folder = path.join(product.haraka.dir, 'ses-bounce/kept')
    const records = readdirSync(folder)
      .filter(name => name.endsWith('.json'))
      .toSorted()
      .map(name => path.join(folder, name))
    assert.equal(records.length, 2)
    const [first = ''] = records
    const isFirst = readFileSync(first, 'utf8').includes(mails[0]?.sesId ?? '')
    const record = readFileSync(first)
    rmSync(first)
    mkdirSync(first)
    for (const mail of mails)
      atOperator(product, queue =>
        byHand(queue).cancel(product.jobs({ sesId: mail.sesId })[0]?.id ?? '', Date.now()),
      )
    release()
    const [faulty, other] = isFirst ? mails : mails.toReversed()
    assert.ok(faulty && other)
    await quarantined(other)
    await until(() => isDone(product, path.basename(records[1] ?? '', '.json')), {
      what: 'the look at what is due, behind the one that fails',
    })
    assert.equal(inKept(faulty).length, 1)
    rmdirSync(first)
    writeFileSync(first, record)
    await quarantined(faulty)
  })

  it('is not kept for a recipient that it is delivered to', async () => {
    const release = await holdDispatcher(product)
    const { mail } = await relay(product, { to: ['both@yours.example'] })
    assert.deepEqual(inKept(mail), [])
    release()
    await bounceOf(product, mail)
  })
})

describe('[queue] keep_mail = false', () => {
  it('keeps no mail, and a bounce that fails leaves none', async () => {
    const product = await startFlow({
      rules: RULES,
      ini: { queue: { keep_mail: 'false' } },
      ses: { messages: [], faults: () => REFUSED },
    })
    try {
      const { mail } = await relay(product)
      assert.equal((await callsFor(product, mail)).length, 1)
      const [job] = product.jobs({ sesId: mail.sesId })
      assert.equal(job?.state, 'failed')
      assert.deepEqual(readdirSync(path.join(product.haraka.dir, 'ses-bounce/kept')), [])
      assert.deepEqual(keptOf(product, mail), [])
    } finally {
      await product.stop()
    }
  })
})

/** The dispatcher has seen what became of its jobs. */
function isDone({ queueFile }: Product, name: string): boolean {
  const database = new Database(queueFile, { busyMs: 5000, create: false })
  try {
    return database.get('SELECT 1 AS one FROM kept_due WHERE name = ?', name) === undefined
  } finally {
    database.close()
  }
}

function atOperator(
  { queueFile }: Product,
  act: (queue: ReturnType<typeof openOperatorQueue>) => object,
): void {
  const queue = openOperatorQueue(queueFile)
  try {
    assert.ok('value' in act(queue))
  } finally {
    queue.close()
  }
}

function retry(product: Product, id: string): void {
  atOperator(product, queue =>
    byHand(queue).retry(id, Date.now(), { spacingMs: 20, forecastMs: 50, marginMs: 60_000 }),
  )
}

async function cli({ haraka }: Product, ...args: string[]): Promise<string> {
  const lines: string[] = []
  const write = (line: string) => void lines.push(line)
  await main([...args, '--dir', haraka.dir], { line: write, error: write })
  return lines.join('\n')
}

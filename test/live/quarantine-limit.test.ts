// All mail on disk is bounded: what the relay is told once there is no room, and how room comes back.

import assert from 'node:assert/strict'
import { readdirSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'
import { main } from '../../src/cli/main'
import { Database } from '../../src/queue/sqlite/database'
import { holdDispatcher } from './support/dispatcher'
import { assertUntouched, bounceOf, keptOf, type RelayOptions, relay, said, startFlow } from './support/flow'
import type { Ini, Product } from './support/product'
import { until } from './support/wait'

const RULES = `[held]
recipient = held*@yours.example
action = quarantine

[dropped]
recipient = dropped@yours.example
action = drop

[friend]
recipient = friend@yours.example
action = accept

[unknown]
recipient = *@yours.example
action = bounce
bounce.type = DoesNotExist
`
const TAKEN = '250 Message accepted by policy'
const FULL = '550 5.3.1 Mail system full (the quarantine is full)'
const FULL_FOR_NOW = '450 4.3.1 Try again later (the quarantine is full)'
const HELD = ['held@yours.example']
const KB = 1024

/** Three of these fit, of three senders. */
const LIMIT = '100kb'
const BODY = `${'x'.repeat(70)}\n`.repeat(430)

/** Numbers in an address are folded. */
const inLetters = (number: number) =>
  Array.from(String(number), digit => 'abcdefghij'[Number(digit)]).join('')

describe('[quarantine] limit', function () {
  const products: Product[] = []
  let senders = 0
  afterEach(async () => {
    for (const product of products.splice(0)) await product.stop()
  })

  async function start(ini: Ini = {}): Promise<Product> {
    const product = await startFlow({
      rules: RULES,
      ini: { ...ini, quarantine: { limit: LIMIT, ...ini['quarantine'] } },
      ses: { messages: [] },
    })
    products.push(product)
    return product
  }

  /** Sends a mail of a sender who has sent nothing yet. */
  const send = (product: Product, options: RelayOptions = {}) =>
    relay(product, {
      sender: `sender-${inLetters(++senders)}@origin.example`,
      body: BODY,
      ...options,
    })

  async function fill(product: Product): Promise<void> {
    for (let n = 0; n < 3; n++) assert.equal(said((await send(product, { to: HELD })).reply), TAKEN)
  }

  it('refuses mail over it, and accepts mail that is not kept', async () => {
    const product = await start()
    await fill(product)
    const held = await send(product, { to: HELD })
    assert.equal(said(held.reply), FULL)
    assertUntouched(product, held.mail)
    const bounced = await send(product)
    assert.equal(said(bounced.reply), '550 5.3.1 No such mailbox (not bounced: the quarantine is full)')
    assertUntouched(product, bounced.mail)
    const delivered = await send(product, { to: ['friend@yours.example'] })
    assert.equal(said(delivered.reply), '250 captured')
    await product.haraka.waitForLog(
      new RegExp(`rule=held action=reject .*ses_id=${held.mail.sesId} .*because=full`),
    )
    await product.haraka.waitForLog(/quarantine: 9\d kB of 100 kB are filled \(9\d %\), by 3 mails/)
  })

  it('refuses the whole mail for now where others of its recipients go on or are bounced', async () => {
    const product = await start()
    await fill(product)
    for (const others of [
      ['friend@yours.example'],
      ['user@yours.example'],
      ['friend@yours.example', 'user@yours.example'],
    ]) {
      const { reply, mail } = await send(product, { to: [...HELD, ...others] })
      assert.equal(said(reply), FULL_FOR_NOW)
      assertUntouched(product, mail)
    }
    const { reply, mail } = await send(product, { to: ['friend@yours.example', 'user@yours.example'] })
    assert.equal(said(reply), FULL_FOR_NOW)
    assertUntouched(product, mail)
  })

  it('is deferred or dropped where [fallback] full says so', async () => {
    const deferring = await start({ fallback: { full: 'defer' } })
    await fill(deferring)
    const deferred = await send(deferring, { to: HELD })
    assert.equal(said(deferred.reply), '450 4.3.1 Mail system full (the quarantine is full)')
    assertUntouched(deferring, deferred.mail)
    const dropping = await start({ fallback: { full: 'drop' } })
    await fill(dropping)
    const dropped = await send(dropping, { to: HELD })
    assert.equal(said(dropped.reply), TAKEN)
    assertUntouched(dropping, dropped.mail)
    await dropping.haraka.waitForLog(
      new RegExp(`rule=held action=drop .*ses_id=${dropped.mail.sesId} .*because=full`),
    )
  })

  it('is a permanent refusal if the other recipients of the mail are dropped', async () => {
    const product = await start()
    await fill(product)
    for (const [to, text] of [
      [HELD, FULL],
      [['user@yours.example'], '550 5.3.1 No such mailbox (not bounced: the quarantine is full)'],
    ] as const) {
      const { reply, mail } = await send(product, { to: ['dropped@yours.example', ...to] })
      assert.equal(said(reply), text)
      assertUntouched(product, mail)
    }
  })

  it('lets one sender fill a tenth, whatever the tags in the address, and leaves room for others', async () => {
    const product = await start({ quarantine: { limit: '1mb' } })
    const flood = await Promise.all(
      Array.from({ length: 15 }, (_, n) => send(product, { to: HELD, sender: `flood+${n}@origin.example` })),
    )
    const replies = flood.map(({ reply }) => said(reply))
    assert.equal(replies.filter(reply => reply === TAKEN).length, 3)
    assert.equal(
      replies.filter(
        reply => reply === "550 5.3.1 Mail system full (this sender's share of the quarantine is full)",
      ).length,
      12,
    )
    assert.ok(bytesIn(product, 'quarantine') <= (1024 * KB) / 10)
    assert.equal(said((await send(product, { to: HELD })).reply), TAKEN)
  })

  it('has room again for what the bounces leave that were made', async () => {
    const product = await start()
    const release = await holdDispatcher(product)
    const waiting = [await send(product), await send(product), await send(product)]
    assert.deepEqual(
      waiting.map(({ reply }) => said(reply)),
      [TAKEN, TAKEN, TAKEN],
    )
    assert.match(said((await send(product)).reply), /^550 5\.3\.1 /)
    release()
    for (const { mail } of waiting) await bounceOf(product, mail)
    await until(async () => said((await send(product, { to: HELD })).reply) === TAKEN, { what: 'room' })
  })

  it('has room again at once when mail is deleted by the command, and soon when its files are', async () => {
    const product = await start()
    await fill(product)
    const folder = path.join(product.haraka.dir, 'ses-bounce/quarantine')
    const lines = await cli(product, 'quarantine', 'list')
    const id = lines[0]?.split(' ')[0] ?? ''
    assert.match(
      lines.at(-1) ?? '',
      /^9\d kB of 100 kB are filled: 3 mails in the quarantine, none waits for its bounces$/,
    )
    await cli(product, 'quarantine', 'delete', id)
    const { reply, mail } = await send(product, { to: HELD })
    assert.equal(said(reply), TAKEN)
    assert.equal(keptOf(product, mail).length, 1)
    assert.equal(said((await send(product, { to: HELD })).reply), FULL)
    // the count forgets at once what it has known for a while: as if all came an hour ago
    age(product)
    for (const name of readdirSync(folder)) rmSync(path.join(folder, name))
    await until(async () => said((await send(product, { to: HELD })).reply) === TAKEN, { what: 'room' })
  })
})

function bytesIn({ haraka }: Product, place: 'kept' | 'quarantine'): number {
  const folder = path.join(haraka.dir, 'ses-bounce', place)
  return readdirSync(folder)
    .filter(name => name.endsWith('.eml'))
    .reduce((sum, name) => sum + statSync(path.join(folder, name)).size, 0)
}

function age({ queueFile }: Product): void {
  const database = new Database(queueFile, { busyMs: 5000, create: false })
  database.run('UPDATE mail_file SET at_ms = at_ms - 3600000')
  database.close()
}

async function cli({ haraka }: Product, ...args: string[]): Promise<string[]> {
  const lines: string[] = []
  const write = (line: string) => void lines.push(line)
  assert.equal(await main([...args, '--dir', haraka.dir], { line: write, error: write }), 0)
  return lines
}

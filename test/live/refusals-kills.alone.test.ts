// A burst of mail with refused recipients while workers are killed: nothing is lost, and no refused recipient gets the mail.

import assert from 'node:assert/strict'
import { mailFor } from './support/flow'
import type { SesMail } from './support/mail'
import { hasProc } from './support/processes'
import type { Product } from './support/product'
import { type Form, startRefusing } from './support/refusers'
import { type SmtpReply, sendMail } from './support/smtp'
import { PATIENCE_MS, until } from './support/wait'

const RULES = `
[unknown]
refused.by = ldap, nobody
action = bounce
[content]
refused.by = scan
action = bounce
`

const ACCEPTS = `'use strict'
exports.hook_rcpt = (next, connection, [{ address }]) => next(address.startsWith('nobody') ? undefined : OK)
`

/** Refused recipients in all, and how many kills come while they are sent. */
const REFUSED = 80
const KILLS = 4
const RELAYS = 6
/** A connection that was given to a worker as it was killed gets no reply: the relay comes again. */
const NO_REPLY_MS = 10_000

interface Sent {
  mail: SesMail
  refused: string[]
  good: string[]
}

describe('a burst of mail with refused recipients', function () {
  // each kill costs the start of a worker
  this.timeout(5 * PATIENCE_MS)
  let product: Product
  before(async function () {
    if (!hasProc) return this.skip()
    product = await startRefusing({
      above: ['ldap', 'scan'].map(name => ({ name })),
      rules: RULES,
      files: { 'plugins/accept_all.js': ACCEPTS },
      haraka: { nodes: 2, ready: 'dispatching' },
    })
    await until(() => product.haraka.workers().length === 2, { what: 'both workers' })
  })
  after(() => product?.stop())

  it('bounces each refused recipient once, and delivers to the others, though workers are killed', async () => {
    const mails = mixedMails(product)
    const pending = [...mails]
    const untilKill = Math.ceil(mails.length / (KILLS + 1))
    const relays = Array.from({ length: RELAYS }, async () => {
      for (let next = pending.shift(); next; next = pending.shift()) {
        const [worker] = product.haraka.workers()
        if (pending.length % untilKill === 0 && worker !== undefined) product.haraka.kill(worker, 'SIGKILL')
        await deliver(product, next)
      }
    })
    await Promise.all(relays)
    await until(() => product.jobs().every(({ state }) => state === 'sent'), {
      what: 'all bounces',
      timeoutMs: 2 * PATIENCE_MS,
    })
    const delivered = product.haraka.delivered()
    for (const { mail, refused, good } of mails) {
      const bounced = product.ses.calls
        .filter(({ params, outcome }) => params['OriginalMessageId'] === mail.sesId && outcome.status === 200)
        .flatMap(({ input }) => input?.BouncedRecipientInfoList?.map(({ Recipient = '' }) => Recipient) ?? [])
      assert.deepEqual(bounced.toSorted(), refused.toSorted(), `bounces for ${mail.sesId}`)
      const to = delivered.filter(({ data }) => data.includes(mail.sesId)).flatMap(one => one.to)
      // a worker killed between the delivery and its reply delivers again
      assert.deepEqual([...new Set(to)].toSorted(), good.toSorted(), `deliveries of ${mail.sesId}`)
    }
  })
})

function mixedMails(product: Product): Sent[] {
  const mails: Sent[] = []
  const forms: Form[] = ['text', 'coded', 'lines', 'dsn', 'nothing', 'harddsn']
  for (let count = 0; count < REFUSED; ) {
    const number = mails.length
    const isWhole = number % 5 === 4
    const local = (at: number) =>
      at % 4 === 3
        ? `nobody.${number}.${at}`
        : `ldap.${at % 2 ? 'rcpt' : 'rcpt_ok'}.${forms[at % forms.length]}.${number}`
    const bad = Array.from({ length: 1 + (number % 5) }, (_, at) => `${local(at)}@yours.example`)
    const fine = Array.from({ length: number % 3 }, (_, at) => `user.${number}.${at}@yours.example`)
    const refused = isWhole ? [...bad, ...fine] : bad
    const sender = isWhole
      ? `scan.data_post.text.${number}@origin.example`
      : `someone.${number}@origin.example`
    mails.push({ mail: mailFor(product, [...bad, ...fine], { sender }), refused, good: isWhole ? [] : fine })
    count += refused.length
  }
  return mails
}

/** Delivers like a relay: until it is told that the mail was accepted. */
async function deliver(product: Product, { mail, refused, good }: Sent): Promise<void> {
  const to = [...new Set([...refused, ...good])]
  await until(
    async () => {
      const reply = await sendOnce(product, mail, to)
      assert.ok(reply === undefined || reply.code < 500, `refused for good: ${reply?.text}`)
      return reply?.code === 250
    },
    { what: `the delivery of ${mail.sesId}`, timeoutMs: 2 * PATIENCE_MS },
  )
}

async function sendOnce(product: Product, mail: SesMail, to: string[]): Promise<SmtpReply | undefined> {
  try {
    const from = mail.sender ?? ''
    const { port } = product.haraka
    const { reply } = await sendMail({ port, timeoutMs: NO_REPLY_MS, from, to, data: mail.data })
    return reply
  } catch {
    // its worker was killed, or gave no reply
    return undefined
  }
}

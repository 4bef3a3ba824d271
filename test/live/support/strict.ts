// Haraka, and an SES that knows only the mails that it was told of: shared by the tests of one `describe`.
// Each of them fails when a process died of it, when the log holds a fault, or when what a rule refused was delivered.

import assert from 'node:assert/strict'
import type { HarakaOptions } from './haraka'
import { type SesMail, type SesMailOptions, sesMail } from './mail'
import { type Product, startProduct } from './product'
import { openSession, replyText, type SmtpSession } from './smtp'
import { tellSes, watch } from './unharmed'

export const FROM = 'someone@origin.example'
/** Every rule set of these tests refuses mail to everybody but the friend. */
export const TO = 'user@yours.example'
export const FRIEND = 'friend@yours.example'

/** Begins and ends the rules of these tests. Every mail is read whole, and none has what is looked for. */
export function rulesAround(rules: string): string {
  return `[reads]\nbody = /never said (in|by) any mail/\nattachment.name = *.never\naction = drop\n[friend]\nrecipient = ${FRIEND}\naction = accept\n${rules}
[unknown-mailbox]\nrecipient = *@*\naction = bounce\nbounce.type = DoesNotExist\n`
}

export interface Strict {
  readonly product: Product
  /** Open from the first test to the last. */
  readonly session: SmtpSession
  /** The reply to a mail that is said on the session. */
  readonly send: (data: Buffer | string, to?: string, on?: SmtpSession) => Promise<string>
  /** A mail that SES knows. */
  readonly genuine: (options?: SesMailOptions) => SesMail
}

export function strictProduct(rules = '', haraka: Partial<HarakaOptions> = {}): Strict {
  let started: { product: Product; session: SmtpSession; assertUnharmed: () => Promise<void> } | undefined
  const running = () => {
    assert.ok(started, 'Haraka is not up')
    return started
  }

  before(async () => {
    const product = await startProduct({
      rules: rulesAround(rules),
      // the reply says why there is no bounce
      ini: {
        limit: { interval: '1ms', slack: '0ms', per_sender: '' },
        fallback: { no_receipt: 'reject', mismatch: 'reject', ended: 'reject' },
      },
      ses: { messages: [], intervalMs: 0 },
      // no process comes later: it would look like one that replaced another
      haraka: { ready: 'dispatching', ...haraka },
    })
    const assertUnharmed = watch(product)
    started = { product, assertUnharmed, session: await openSession({ port: product.haraka.port }) }
  })
  afterEach(async () => {
    const { product, assertUnharmed } = running()
    await assertUnharmed()
    const strangers = product.haraka.delivered().filter(({ to }) => to.some(address => address !== FRIEND))
    assert.deepEqual(strangers, [], 'what a rule refused was delivered')
  })
  after(async () => {
    if (!started) return
    started.session.destroy()
    await started.product.stop()
  })

  return {
    get product() {
      return running().product
    },
    get session() {
      return running().session
    },
    send: async (data, to = TO, on = running().session) => {
      const { reply } = await on.mail({ from: FROM, to: [to], data })
      return replyText(reply)
    },
    genuine: options => {
      const mail = sesMail(options)
      tellSes(running().product, mail)
      return mail
    },
  }
}

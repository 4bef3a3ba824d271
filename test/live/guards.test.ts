// Guards from outside: which mail gets no bounce, in whichever form its header comes over SMTP, and which still gets one.

import assert from 'node:assert/strict'
import { assertUntouched, bounceOf, mailFor, type RelayOptions, said, startFlow } from './support/flow'
import type { Product } from './support/product'
import { sendMail } from './support/smtp'

const RULES = `[named]
recipient = abuse@yours.example, mailer-daemon@yours.example
sender = partner@origin.example
action = bounce

[other-sender]
recipient = other@yours.example
action = bounce
bounce.sender = no-reply@yours.example

[unknown]
recipient = *@yours.example
action = bounce
bounce.type = DoesNotExist
`

const REPLIES: Record<string, string>[] = [
  { 'X-Autoreply': 'yes' },
  { 'x-autorespond ': 'Re: hello' },
  { Precedence: 'auto_reply' },
  { Precedence: 'bulk,\r\n auto_reply' },
  { 'X-Auto-Response-Suppress': 'All' },
  { 'X-Auto-Response-Suppress': 'OOF, DR,\r\n\tNDR' },
  { 'Auto-Submitted': 'no, auto-replied' },
  { 'Auto-Submitted': 'auto-replied.' },
  { 'Auto-Submitted': '(on holiday) auto-notified' },
  { 'Auto-Submitted': 'auto-\u0000replied' },
  { 'Auto-Submitted': 'auto-rep\r\n lied' },
  { 'Auto-Submitted': '\rauto-replied' },
  { 'Auto-Submitted': '\r\nauto-replied' },
  { 'Auto-Submitted': '=?us-ascii?q?auto-replied?=' },
  { 'Auto-Submitted': 'auto-replied\u00e9' },
  { 'AUTO-SUBMITTED\t': 'AUTO-REPLIED' },
  { Comments: 'x\rAuto-Submitted: auto-replied' },
  { 'Auto-Submitted': `(${'x'.repeat(960)}) auto-replied (${'y'.repeat(960)})` },
]

const REPORTS = [
  'multipart / report; boundary=b',
  'multipart/report; boundary=b',
  "multipart/report; report-type*=us-ascii''delivery%2Dstatus; boundary=b",
  'multipart/report; report-type=feedback-report; boundary=b',
  '=?us-ascii?q?multipart/report?=; boundary=b',
  'message/delivery-status',
  'message/disposition-notification',
  'message/feedback-report',
]

const NO_REPLIES: Record<string, string>[] = [
  { 'Auto-Submitted': 'auto-generated' },
  { 'Auto-Submitted': 'no (auto-replied was yesterday)' },
  { 'X-Auto-Response-Suppress': 'OOF, AutoReply, DR, RN, NRN' },
  { Precedence: 'bulk, list' },
  { 'X-Autoreply': 'no' },
  { Subject: 'Auto-Submitted: auto-replied' },
  { 'Content-Type': 'text/plain; report-type=delivery-status' },
]

describe('a guard', () => {
  let product: Product
  before(async () => {
    product = await startFlow({ rules: RULES, ini: { fallback: { unsafe: 'reject' } } })
  })
  after(() => product.stop())

  /** Sends the mail as it is: a bare CR stays one. */
  async function relay({ to = ['user@yours.example'], ...options }: RelayOptions) {
    const mail = mailFor(product, to, options)
    const { reply } = await sendMail({
      port: product.haraka.port,
      from: mail.sender ?? '',
      to,
      data: mail.data,
      raw: true,
    })
    return { reply, mail }
  }

  async function assertKeptBack(why: string, options: RelayOptions): Promise<void> {
    const { reply, mail } = await relay(options)
    assert.match(said(reply), /^550 /, `${JSON.stringify(options)}: ${said(reply)}`)
    assert(said(reply).endsWith(`(not bounced: ${why})`), `${JSON.stringify(options)}: ${said(reply)}`)
    assertUntouched(product, mail)
  }

  async function assertBounced(options: RelayOptions): Promise<void> {
    const { reply, mail } = await relay(options)
    assert.equal(said(reply), '250 Message accepted by policy', JSON.stringify(options))
    await bounceOf(product, mail)
  }

  it('prevents bounces of automatic replies in every form that a person would recognise', async () => {
    for (const headers of REPLIES) await assertKeptBack('automatic reply', { headers })
  })

  it('prevents bounces of reports in every form of their media type', async () => {
    for (const type of REPORTS) await assertKeptBack('delivery report', { headers: { 'Content-Type': type } })
  })

  it('allows bounces of mail that a person would not call automatic', async () => {
    for (const headers of NO_REPLIES) await assertBounced({ headers })
  })

  it('prevents the bounce of a mail whose header Haraka cut, and of no other', async () => {
    const folds = (lines: number) => ({
      headers: { 'X-Long': Array.from({ length: lines }, () => 'x').join('\r\n ') },
    })
    await assertKeptBack('header is cut', folds(1000))
    await assertBounced(folds(900))
  })

  it('prevents bounces of mail to role addresses, with a label or without', async () => {
    for (const recipient of ['postmaster+x@yours.example', 'Abuse@yours.example'])
      await assertKeptBack('role address', { to: [recipient] })
    await assertBounced({ to: ['abuse@yours.example'], sender: 'partner@origin.example' })
  })

  it('prevents bounces of mail to every bounce sender, even one that a rule names', async () => {
    await assertKeptBack('bounce sender', { to: ['mailer-daemon@yours.example'] })
    await assertKeptBack('bounce sender', {
      to: ['Mailer-Daemon+1@yours.example'],
      sender: 'partner@origin.example',
    })
    await assertKeptBack('bounce sender', { to: ['no-reply@yours.example'] })
  })
})

// Reads the recipients of a delivery that failed: words that count, and refusals that are no policy about the mail.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { DeliveryNote } from '../../src/haraka/delivery-note'
import { followDelivery } from '../../src/haraka/delivery-progress'
import { deferredRecipients, refusedRecipients } from '../../src/haraka/delivery-refusals'
import type { DeliveryError, OutboundMail, OutboundRecipient } from '../../src/haraka/outbound-mail'

const NOTE: DeliveryNote = {
  v: 1,
  sender: 'someone@origin.example',
  relayIp: '192.0.2.1',
  sizeBytes: 1,
  headerLines: [],
  headerIsCut: false,
  ownFields: 0,
  recipients: [
    { address: 'user@yours.example', notifyNever: false, final: ['user@yours.example'] },
    { address: 'other@yours.example', notifyNever: false, final: ['other@yours.example'] },
  ],
}

const REPLY = { dsn_smtp_code: '550', dsn_smtp_extc: '5.1.1', dsn_smtp_response: 'No such user' }

function mailFor(recipient: Partial<OutboundRecipient>, lines: readonly string[] = []): OutboundMail {
  const haraka = { try_deliver: () => undefined, logprotocol: () => undefined }
  const mail = Object.assign(Object.create(haraka) as OutboundMail, {
    todo: {
      uuid: 'A.1',
      domain: 'yours.example',
      mail_from: { address: 'someone@origin.example' },
      rcpt_to: [{ address: 'user@yours.example', ...recipient }],
      notes: {},
    },
  })
  followDelivery(mail)
  for (const line of lines) mail.logprotocol(line)
  return mail
}

function refused(recipient: Partial<OutboundRecipient>, message: string, lines: readonly string[] = []) {
  const [one] = refusedRecipients(mailFor(recipient, lines), new Error(message), NOTE)
  assert.ok(one)
  return one
}

const AT_RCPT = [
  'C: EHLO mx',
  'S: 250 ok',
  'C: MAIL FROM:<a@b>',
  'S: 250 ok',
  'C: RCPT TO:<user@yours.example>',
]

describe('the refusal of a delivery', () => {
  it('has the words of the server', () => {
    const { refusal, stands, isAnswer } = refused(REPLY, '550 5.1.1 No such user', AT_RCPT)
    assert.deepEqual(refusal, {
      by: 'outbound',
      stage: 'delivery',
      code: 550,
      status: '5.1.1',
      reply: 'No such user',
    })
    assert.equal(stands, undefined)
    assert.ok(isAnswer)
  })

  it('has the words of Haraka where the domain is unknown, and not those of an earlier try', () => {
    const earlier = { dsn_smtp_code: '451', dsn_smtp_response: 'Come back' }
    const own = { dsn_code: 550, dsn_status: '5.1.2', dsn_msg: 'No Such Domain: yours.example' }
    const { refusal } = refused({ ...earlier, ...own }, 'No Such Domain: yours.example')
    assert.equal(refusal.status, '5.1.2')
    assert.equal(refusal.reply, 'No Such Domain: yours.example')
  })

  it('has the last words of the server, with their class, where Haraka has given up', () => {
    const { refusal } = refused(
      { dsn_smtp_code: '451', dsn_smtp_extc: '4.7.1', dsn_status: '5.7.1', dsn_smtp_response: 'Come back' },
      'Too many failures (Upstream error: 451 4.7.1 Come back)',
    )
    assert.deepEqual([refusal.code, refusal.status, refusal.reply], [451, '4.7.1', 'Come back'])
  })

  it('is 4.4.7 where Haraka has given up and no server has said anything', () => {
    const own = { dsn_code: 550, dsn_status: '5.1.2', dsn_msg: 'Tried all MXs' }
    const { refusal } = refused(own, 'Too many failures (Tried all MXs)')
    assert.deepEqual([refusal.code, refusal.status], [450, '4.4.7'])
  })

  it('is for good where a server says so in words like those of Haraka', () => {
    const reply = { ...REPLY, dsn_smtp_response: 'Too many failures' }
    assert.equal(refused(reply, '550 5.1.1 Too many failures', AT_RCPT).refusal.code, 550)
  })

  it('is no policy where the server refused before it had heard of the mail, or said something that nobody understands', () => {
    for (const lines of [[], ['C: EHLO mx'], ['C: EHLO mx', 'S: 250 ok', 'C: STARTTLS'], ['C: AUTH PLAIN x']])
      assert.match(refused(REPLY, '550 Go away', lines).stands ?? '', /refused Haraka/)
    const unclear = { dsn_code: 550, dsn_status: '5.5.1', dsn_msg: 'Unrecognized response' }
    assert.ok(refused(unclear, 'Unrecognized response from upstream server: x').stands)
    assert.ok(refused({}, 'Error re-queueing email: no space').stands)
  })

  it('is about the next server only from its greeting on', () => {
    const mail = mailFor(REPLY, AT_RCPT)
    mail.try_deliver()
    const [one] = refusedRecipients(mail, new Error('554 No'), NOTE)
    assert.match(one?.stands ?? '', /refused Haraka/)
  })

  it('may be another recipient whom LMTP refused, unless that was at RCPT or there was no other', () => {
    const error: DeliveryError = Object.assign(new Error('Some recipients failed'), {
      mx: { using_lmtp: true },
    })
    const isMixedUp = (lines: readonly string[], more: Partial<OutboundMail> = {}, note = NOTE) => {
      const mail = Object.assign(mailFor(REPLY, lines), more)
      const bounced = Object.assign(error, { bounced_rcpt: mail.todo?.rcpt_to })
      return refusedRecipients(mail, bounced, note)[0]?.isMixedUp
    }
    assert.equal(isMixedUp([...AT_RCPT, 'S: 250 ok', 'C: DATA', 'C: .']), true)
    assert.equal(isMixedUp([...AT_RCPT, 'S: 550 5.1.1 No', 'C: DATA', 'C: .']), false)
    assert.equal(isMixedUp([], { cfg: { always_split: true } }), false)
    assert.equal(isMixedUp([], {}, { ...NOTE, recipients: NOTE.recipients.slice(0, 1) }), false)
  })

  it('is an answer where Haraka tries again after a reply to the mail, and not after one to its greeting', () => {
    const soft = { dsn_smtp_code: '451', dsn_smtp_extc: '4.3.0', dsn_smtp_response: 'Later' }
    const isAnswer = (lines: readonly string[]) =>
      deferredRecipients(mailFor(soft, lines), { delay: 64, err: 'Upstream error: 451 4.3.0 Later' }, NOTE)[0]
        ?.isAnswer
    assert.equal(isAnswer([...AT_RCPT, 'S: 250 ok', 'C: DATA', 'S: 451 4.3.0 Later', 'C: QUIT']), true)
    assert.equal(isAnswer(['C: EHLO mx', 'S: 451 4.3.0 Later', 'C: QUIT']), false)
    assert.equal(isAnswer([]), false)
  })

  it('is safe text with a fitting status, whatever a server says', () => {
    const anything = fc.oneof(
      fc.anything(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('550', '4.7.1', 550),
    )
    fc.assert(
      fc.property(
        fc.record({
          dsn_smtp_code: anything,
          dsn_smtp_extc: anything,
          dsn_smtp_response: anything,
          dsn_code: anything,
          dsn_status: anything,
          dsn_msg: anything,
        }),
        fc.oneof(fc.string(), fc.constantFrom('550 x', 'Too many failures (x)', 'No Such Domain')),
        (recipient, message) => {
          const { refusal } = refused(recipient, message)
          assert.match(refusal.reply, /^[ -~]{0,256}$/)
          assert.match(refusal.status, /^[45]\.\d{1,3}\.\d{1,3}$/)
          assert.equal(refusal.status[0], String(refusal.code)[0])
        },
      ),
    )
  })
})

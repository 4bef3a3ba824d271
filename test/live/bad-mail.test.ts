import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { mutated, random, SAMPLES } from '../mail/samples'
import { freshen, plainMail, type SesMail } from './support/mail'
import { openSession, type SmtpSession } from './support/smtp'
import { FRIEND, FROM, strictProduct, TO } from './support/strict'
import { onlyJob, reasonsHeld } from './support/unharmed'

const SAMPLE_FOLDER = path.join(__dirname, '../fixtures/receipts')
const NAMED = 'named@yours.example'
const RULES = `
[large]
recipient = ${NAMED}
subject = *größe*
action = quarantine
`

describe('bad mail', function () {
  const strict = strictProduct(RULES)
  const { send, genuine } = strict

  /** Sends a mail for whom no rule refuses anything, and returns what is delivered. */
  async function delivered(data: Buffer | string, on: SmtpSession = strict.session): Promise<Buffer> {
    const before = strict.product.haraka.delivered().length
    assert.match(await send(data, FRIEND, on), /^250 captured/)
    const mails = await strict.product.haraka.waitForDelivered(before + 1)
    assert.equal(mails.length, before + 1)
    return mails.at(-1)?.data ?? Buffer.alloc(0)
  }

  describe('of a great size', () => {
    const line = 'x'.repeat(900)
    const shapes: Record<string, string> = {
      'one line': `X-Big: ${'x'.repeat(1_000_000)}`,
      'one field in folds': `X-Big: ${Array.from({ length: 1200 }, () => line).join('\r\n ')}`,
      'many fields': Array.from({ length: 20_000 }, (_, n) => `X-Many-${n}: ${'y'.repeat(30)}`).join('\r\n'),
      'one field of addresses': `To: ${Array.from({ length: 20_000 }, (_, n) => `user${n}@yours.example`).join(',\r\n ')}, ${TO}`,
    }
    for (const [shape, fields] of Object.entries(shapes)) {
      it(`a header of 1 MB, ${shape}, hides no receipt that stands above it, and is not bounced, since it is cut`, async () => {
        const mail = genuine({ extraBelowBlock: [fields] })
        assert.match(await send(mail.data), /^250 Message accepted by policy/)
        assert.deepEqual(strict.product.jobs({ sesId: mail.sesId }), [])
        assert.deepEqual(reasonsHeld(strict.product, mail.sesId), ['unsafe: header is cut'])
        const friends = genuine({ recipient: FRIEND, extraBelowBlock: [fields] })
        const whole = await delivered(friends.data)
        assert.ok(whole.toString().endsWith('\r\n\r\nHello from a test.\r\n'))
      })
    }

    it('a receipt below the part of a header that Haraka keeps does not count', async () => {
      const mail = genuine({ extraTop: [shapes['many fields'] ?? ''] })
      assert.match(await send(mail.data), /^550 5\.1\.1 .*\(not bounced: no Received line of SES\)/)
      assert.deepEqual(strict.product.jobs({ sesId: mail.sesId }), [])
    })
  })

  describe('of an odd form', () => {
    const pick = random(20_260_101)
    const garbage = Buffer.from(Array.from({ length: 50_000 }, () => pick(256)))
    const headOnly = plainMail()
      .toString()
      .replace(/\r\n\r\n.*$/s, '\r\n')
    const mails: Record<string, Buffer | string> = {
      'binary garbage': garbage,
      'NUL bytes alone': Buffer.alloc(5000),
      'an empty line alone': '',
      'a header alone': headOnly,
      'no empty line before its text': `${headOnly}Hello\r\nworld: yes\r\n`,
      'text alone': 'Hello\r\nworld\r\n',
      'a continuation alone': ' by inbound-smtp.eu-west-1.amazonaws.com\r\n',
      'colons alone': ':\r\n::\r\n: x\r\n',
    }
    for (const [what, data] of Object.entries(mails)) {
      it(`${what}: refused by its rule for want of a receipt, else delivered`, async () => {
        assert.match(await send(data), /^550 5\.1\.1 .*\(not bounced: no Received line of SES\)/)
        const copy = await delivered(data)
        assert.ok(copy.length > Buffer.byteLength(data), `${copy.length} bytes`)
      })
    }

    it('a mail of no bytes at all', async () => {
      for (const [to, code] of [
        [TO, 550],
        [FRIEND, 250],
      ] as const) {
        for (const line of ['RSET', `MAIL FROM:<${FROM}>`, `RCPT TO:<${to}>`])
          await strict.session.command(line)
        assert.equal((await strict.session.command('DATA')).code, 354)
        assert.equal((await strict.session.command('.')).code, code)
      }
    })

    it('a receipt above an empty header, with and without an empty line: bounced', async () => {
      const mail = genuine()
      const text = mail.data.toString('latin1')
      const block = text.slice(0, text.indexOf('From: '))
      assert.match(await send(block), /^250 Message accepted by policy/)
      assert.match(await send(`${block}\r\n`), /^250 Message accepted by policy/)
      assert.deepEqual(onlyJob(strict.product, mail.sesId).recipients.length, 1)
    })

    it('NUL and 8-bit bytes below a receipt: bounced, and delivered as they came', async () => {
      const bytes = Buffer.from('a\0b \xe9\xff\x80 \x1b[2J \x7f', 'latin1').toString('latin1')
      const raw = (recipient: string): SesMail => {
        const mail = genuine({ recipient, headers: { Subject: 'SUBJECT' }, body: 'BODY' })
        const text = mail.data.toString('latin1').replace('SUBJECT', bytes).replace('BODY', bytes)
        return { ...mail, data: Buffer.from(text, 'latin1') }
      }
      const mail = raw(TO)
      assert.match(await send(mail.data), /^250 Message accepted by policy/)
      onlyJob(strict.product, mail.sesId)
      const copy = (await delivered(raw(FRIEND).data)).toString('latin1')
      assert.ok(copy.endsWith(`\r\n\r\n${bytes}\r\n`))
    })
  })

  it('said to HELO, where Haraka reads bytes as characters, is understood as after EHLO', async () => {
    const old = await openSession({ port: strict.product.haraka.port })
    assert.equal((await old.command('HELO relay.yours.example')).code, 250)
    const mail = genuine()
    assert.match(await send(mail.data, TO, old), /^250 Message accepted by policy/)
    onlyJob(strict.product, mail.sesId)
    const large = genuine({ recipient: NAMED, headers: { Subject: 'Die Größe' } })
    assert.match(await send(large.data, NAMED, old), /^250 Message accepted by policy/)
    assert.deepEqual(reasonsHeld(strict.product, large.sesId), ['by the rule'])
    const copy = await delivered(plainMail({ body: 'Grüße' }), old)
    assert.ok(copy.includes('\r\n\r\nGrüße\r\n'))
    await old.quit()
  })

  it('mutated 150 times gets an answer each time, and causes no bounce for an id that it does not hold', async () => {
    const pick = random(7)
    const samples = SAMPLES.map(name => readFileSync(path.join(SAMPLE_FOLDER, name)))
    const sessions = await Promise.all([1, 2, 3].map(() => openSession({ port: strict.product.haraka.port })))
    const before = new Set(strict.product.jobs().map(({ id }) => id))
    const sent: string[] = []
    const sendMutations = async (on: SmtpSession): Promise<void> => {
      for (let n = 0; n < 50; n++) {
        const mail = freshen(samples[pick(samples.length)] ?? '')
        const lines = mail.data
          .toString('latin1')
          .split('\r\n')
          .map(line => `${line}\n`)
        const data = Buffer.from(mutated(lines, pick).join(''), 'latin1')
        sent.push(data.toString('latin1'))
        const to = [TO, FRIEND, 'echo@yours.example'][n % 3]
        const first = await send(data, to, on)
        // on a busy machine the queue may be busy for longer than a mail waits: a relay sends it again
        const reply = first.startsWith('450 ') ? await send(data, to, on) : first
        assert.match(
          reply,
          /^(?:250 (?:Message accepted by policy|captured)|550 5\.\d\.\d [ -~]* \(not bounced: )/,
          `${reply}\n${sent.at(-1)}`,
        )
      }
    }
    // all of them end before the next test begins
    const ended = await Promise.allSettled(sessions.map(sendMutations))
    for (const one of ended) if (one.status === 'rejected') throw one.reason
    for (const on of sessions) await on.quit()
    const made = strict.product.jobs().filter(({ id }) => !before.has(id))
    assert.ok(made.length > 10, `${made.length} bounces: the mails are too broken to show anything`)
    for (const { sesId } of made)
      assert.ok(
        sent.some(text => text.includes(sesId)),
        sesId,
      )
  })
})

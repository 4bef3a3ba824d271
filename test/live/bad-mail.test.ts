import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { mutated, random, SAMPLES } from '../mail/samples'
import { freshen, plainMail, type SesMail, type SesMailOptions, sesMail } from './support/mail'
import { type Product, startProduct } from './support/product'
import { openSession, replyText, type SmtpSession, sendMailAndHangUp } from './support/smtp'
import { onlyJob, quarantined, reasonsHeld, tellSes, watch } from './support/unharmed'
import { until } from './support/wait'

const FROM = 'someone@origin.example'
const TO = 'user@yours.example'
const FRIEND = 'friend@yours.example'
const SAMPLE_FOLDER = path.join(__dirname, '../fixtures/receipts')
const RULES = `
[friend]
recipient = ${FRIEND}
action = accept

[echo]
recipient = echo@yours.example
action = bounce
bounce.type = ContentRejected
bounce.text = Your mail "{subject}" from {sender}, {message-id}
bounce.diagnostic = smtp; 550 {subject}

[repeat]
recipient = repeat@yours.example
action = reject
reply = We don't read "{subject}"

[large]
subject = *größe*
action = quarantine

[keep]
recipient = keep@yours.example
action = quarantine

[unknown-mailbox]
recipient = *@*
action = bounce
bounce.type = DoesNotExist
`
/** Holds what becomes of a mail back until its sender has hung up: while others decide, or while we write. */
const SLOW_PLUGIN = `
const gone = (connection, then) => {
  if (connection.transaction) setTimeout(gone, 5, connection, then)
  else then()
}
exports.hook_data_post = (next, connection) => {
  const { header, message_stream: stream } = connection.transaction
  const subject = header.get('Subject').trim()
  if (subject === 'slow write') {
    const pipe = stream.pipe.bind(stream)
    stream.pipe = to => {
      connection.loginfo('writing slowly')
      gone(connection, () => pipe(to))
    }
  }
  if (subject !== 'slow decision') return next()
  connection.loginfo('deciding slowly')
  gone(connection, next)
}
`

describe('bad mail', function () {
  this.timeout(30_000)
  let product: Product
  let session: SmtpSession
  let assertUnharmed: () => Promise<void>

  before(async () => {
    product = await startProduct({
      rules: RULES,
      ini: { limit: { interval: '1ms', slack: '0ms', per_sender: '' } },
      ses: { messages: [], intervalMs: 0 },
      haraka: {
        plugins: ['slow', 'ses-bounce', 'accept_all', 'capture'],
        files: { 'plugins/slow.js': SLOW_PLUGIN },
      },
    })
    assertUnharmed = watch(product)
    session = await openSession({ port: product.haraka.port })
  })
  afterEach(() => assertUnharmed())
  after(async () => {
    session.destroy()
    await product.stop()
  })

  async function send(data: Buffer | string, to = TO, on: SmtpSession = session): Promise<string> {
    const { reply } = await on.mail({ from: FROM, to: [to], data })
    return replyText(reply)
  }

  /** A mail that SES knows. */
  function genuine(options: SesMailOptions = {}): SesMail {
    const mail = sesMail(options)
    tellSes(product, mail)
    return mail
  }

  /** Sends a mail for whom no rule refuses anything, and returns what is delivered. */
  async function delivered(data: Buffer | string, on: SmtpSession = session): Promise<Buffer> {
    const before = product.haraka.delivered().length
    assert.match(await send(data, FRIEND, on), /^250 captured/)
    const mails = await product.haraka.waitForDelivered(before + 1)
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
      it(`a header of 1 MB, ${shape}, hides no receipt that stands above it`, async () => {
        const mail = genuine({ extraBelowBlock: [fields] })
        assert.match(await send(mail.data), /^250 Message taken/)
        assert.equal(onlyJob(product, mail.sesId).recipients[0]?.address, TO)
        const friends = genuine({ recipient: FRIEND, extraBelowBlock: [fields] })
        const whole = await delivered(friends.data)
        assert.ok(whole.toString().endsWith('\r\n\r\nHello from a test.\r\n'))
      })
    }

    it('a receipt below more header than Haraka reads is none', async () => {
      const mail = genuine({ extraTop: [shapes['many fields'] ?? ''] })
      assert.match(await send(mail.data), /^550 5\.1\.1 .*\(not bounced: no Received line of SES\)/)
      assert.deepEqual(product.jobs({ sesId: mail.sesId }), [])
    })
  })

  describe('with recipients', () => {
    const host = `@${'b'.repeat(50)}.${'c'.repeat(50)}.${'d'.repeat(50)}.${'e'.repeat(28)}.example`
    const longest = `${'l'.repeat(64)}${host}`
    const taken: [what: string, recipient: string, atSes: string][] = [
      ['in quotes', '"a b"@yours.example', '"a b"@yours.example'],
      ['with a quote in quotes', '"a\\"b"@yours.example', '"a\\"b"@yours.example'],
      ['with an @ in quotes', '"a@b"@yours.example', '"a@b"@yours.example'],
      ['of an international domain', 'user@bücher.example', 'user@xn--bcher-kva.example'],
      ['in upper case', 'USER@YOURS.EXAMPLE', 'USER@yours.example'],
      ['with a tag', 'user+tag=x@yours.example', 'user+tag=x@yours.example'],
      ['of 64 characters before the @', `${'l'.repeat(64)}@yours.example`, `${'l'.repeat(64)}@yours.example`],
      ['of 254 octets', longest, longest],
    ]
    for (const [what, recipient, atSes] of taken) {
      it(`${what}: bounced as SES takes them`, async () => {
        const mail = sesMail({ recipient, headers: { To: 'undisclosed-recipients:;' } })
        tellSes(product, { ...mail, recipient: atSes })
        assert.match(await send(mail.data, recipient), /^250 Message taken/)
        const ended = await until(
          () => {
            const job = onlyJob(product, mail.sesId)
            return job.state !== 'queued' && job.state !== 'sending' && job
          },
          { what: 'the bounce' },
        )
        assert.equal(ended.state, 'sent', ended.reason)
      })
    }

    it('that SES can not have had: no bounce', async () => {
      for (const recipient of ['grüße@yours.example', 'user@[192.0.2.1]']) {
        const mail = genuine({ recipient })
        assert.match(
          await send(mail.data, recipient),
          /^(550 5\.1\.1 .*not known to SES|250 Message taken)/,
          recipient,
        )
        assert.deepEqual(product.jobs({ sesId: mail.sesId }), [], recipient)
      }
    })

    it('that are none: refused by Haraka itself', async () => {
      const refused = [
        `l${longest}`,
        `${'l'.repeat(300 - host.length)}${host}`,
        'x'.repeat(300),
        'user',
        'a@b@c.example',
      ]
      for (const recipient of [
        ...refused,
        '"\x1b[31m"@yours.example',
        'a b@yours.example',
        'a..b@yours.example',
      ]) {
        assert.match(await send(plainMail(), recipient), /^501 Invalid RCPT TO/, recipient)
      }
    })

    it('given with NOTIFY=NEVER: kept back, not bounced', async () => {
      for (const rcptParams of ['NOTIFY=NEVER', 'notify=never ORCPT=rfc822;user@yours.example']) {
        const mail = genuine()
        const { reply } = await session.mail({ from: FROM, to: [TO], data: mail.data, rcptParams })
        assert.match(replyText(reply), /^250 Message taken/)
        assert.deepEqual(reasonsHeld(product, mail.sesId), ['unsafe: NOTIFY=NEVER'])
        assert.deepEqual(product.jobs({ sesId: mail.sesId }), [])
      }
    })
  })

  describe('that is hardly mail', () => {
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
        const copy = (await delivered(data)).toString('latin1')
        const words = /[ -~]{4,}$/.exec(Buffer.from(data).toString('latin1').trimEnd())?.[0] ?? ''
        assert.ok(copy.includes(words), words)
      })
    }

    it('a mail of no bytes at all', async () => {
      for (const [to, code] of [
        [TO, 550],
        [FRIEND, 250],
      ] as const) {
        for (const line of ['RSET', `MAIL FROM:<${FROM}>`, `RCPT TO:<${to}>`]) await session.command(line)
        assert.equal((await session.command('DATA')).code, 354)
        assert.equal((await session.command('.')).code, code)
      }
    })

    it('a receipt above an empty header, with and without an empty line: bounced', async () => {
      const mail = genuine()
      const text = mail.data.toString('latin1')
      const block = text.slice(0, text.indexOf('From: '))
      assert.match(await send(block), /^250 Message taken/)
      assert.match(await send(`${block}\r\n`), /^250 Message taken/)
      assert.deepEqual(onlyJob(product, mail.sesId).recipients.length, 1)
    })

    it('NUL and 8-bit bytes below a receipt: bounced, and delivered as they came', async () => {
      const bytes = Buffer.from('a\0b \xe9\xff\x80 \x1b[2J \x7f', 'latin1').toString('latin1')
      const raw = (recipient: string): SesMail => {
        const mail = genuine({ recipient, headers: { Subject: 'SUBJECT' }, body: 'BODY' })
        const text = mail.data.toString('latin1').replace('SUBJECT', bytes).replace('BODY', bytes)
        return { ...mail, data: Buffer.from(text, 'latin1') }
      }
      const mail = raw(TO)
      assert.match(await send(mail.data), /^250 Message taken/)
      onlyJob(product, mail.sesId)
      const copy = (await delivered(raw(FRIEND).data)).toString('latin1')
      assert.ok(copy.endsWith(`\r\n\r\n${bytes}\r\n`))
    })
  })

  it('said to HELO, where Haraka reads bytes as characters, is understood as after EHLO', async () => {
    const old = await openSession({ port: product.haraka.port })
    assert.equal((await old.command('HELO relay.yours.example')).code, 250)
    const mail = genuine()
    assert.match(await send(mail.data, TO, old), /^250 Message taken/)
    onlyJob(product, mail.sesId)
    const large = genuine({ headers: { Subject: 'Die Größe' } })
    assert.match(await send(large.data, TO, old), /^250 Message taken/)
    assert.deepEqual(reasonsHeld(product, large.sesId), ['by the rule'])
    const copy = await delivered(plainMail({ body: 'Grüße' }), old)
    assert.ok(copy.includes('\r\n\r\nGrüße\r\n'))
    await old.quit()
  })

  describe('whose sender hangs up', () => {
    it('in the middle of it: nothing has happened', async () => {
      const mail = genuine()
      const since = product.haraka.log().length
      await sendMailAndHangUp({
        port: product.haraka.port,
        from: FROM,
        to: [TO],
        data: mail.data,
        when: 'in-data',
      })
      await product.haraka.waitForLog(' disconnect ', { since })
      assert.deepEqual(product.jobs({ sesId: mail.sesId }), [])
    })

    it('right after it: it is taken once, however often it comes again', async () => {
      for (let round = 0; round < 5; round++) {
        const mail = genuine()
        const since = product.haraka.log().length
        await sendMailAndHangUp({
          port: product.haraka.port,
          from: FROM,
          to: [TO],
          data: mail.data,
          when: 'after-data',
        })
        await product.haraka.waitForLog(' disconnect ', { since })
        assert.match(await send(mail.data), /^250 Message taken/)
        assert.match(await send(mail.data), /^250 Message taken/)
        assert.equal(onlyJob(product, mail.sesId).recipients.length, 1)
      }
    })

    it('while other plugins decide: nothing has happened', async () => {
      const mail = genuine({ headers: { Subject: 'slow decision' } })
      await hangUpAt('deciding slowly', mail, TO)
      assert.deepEqual(product.jobs({ sesId: mail.sesId }), [])
    })

    it('while it is written to the quarantine: it is kept once, however often it comes again', async () => {
      const mail = genuine({ recipient: 'keep@yours.example', headers: { Subject: 'slow write' } })
      await hangUpAt('writing slowly', mail, 'keep@yours.example')
      const again = mail.data.toString().replace('slow write', 'fast write')
      assert.match(await send(again, 'keep@yours.example'), /^250 Message taken/)
      assert.match(await send(again, 'keep@yours.example'), /^250 Message taken/)
      assert.deepEqual(reasonsHeld(product, mail.sesId), ['by the rule'])
      const folder = path.join(product.haraka.dir, 'ses-bounce', 'quarantine')
      await until(() => readdirSync(folder).every(name => !name.startsWith('.')), { what: 'a tidy folder' })
    })

    async function hangUpAt(logged: string, mail: SesMail, to: string): Promise<void> {
      const { haraka } = product
      const since = haraka.log().length
      const going = await openSession({ port: haraka.port })
      const answered = going.mail({ from: FROM, to: [to], data: mail.data })
      const cutOff = assert.rejects(answered, /the connection is closed/)
      await haraka.waitForLog(logged, { since })
      going.destroy()
      await cutOff
      await haraka.waitForLog(' disconnect ', { since })
    }
  })

  describe('with tricks for those who read of it', () => {
    const subjects: Record<string, string> = {
      'line ends in an encoded word': '=?utf-8?q?a=0D=0ABcc:_victim@victim.example=0D=0A=0D=0Abody?=',
      'escape sequences': '=?utf-8?q?=1B[31mred=1B]0;title=07=C2=9B2J?=',
      'raw control characters': 'a\x1b[2J\x07\x08\x00b',
      'text that turns its direction': '=?utf-8?b?4oCuZ25paHRlbW9z?= \u2028\u202e',
      'a line of our log': '=?utf-8?q?x"=0A[INFO]_[-]_[ses-bounce]_rule=3Dforged_action=3Daccept?=',
      templates: '{sender} {subject} {recipient} ${HOME} %s %d $1',
      'no end': 'x'.repeat(900),
      'no end in encoded words': Array.from({ length: 300 }, () => '=?utf-8?b?w6nDqcOpw6nDqQ==?=').join(
        '\r\n ',
      ),
    }
    for (const [trick, subject] of Object.entries(subjects)) {
      it(`${trick}: short and printable at SES and to the relay, and no line of its own in the log`, async () => {
        const options = { headers: { Subject: subject, 'Message-ID': `<${subject.slice(0, 40)}>` } }
        const mail = genuine({ ...options, recipient: 'echo@yours.example' })
        assert.match(await send(mail.data, 'echo@yours.example'), /^250 Message taken/)
        const input = await until(() => inputOf(mail.sesId), { what: 'the call' })
        const info = input.BouncedRecipientInfoList?.[0]?.RecipientDsnFields
        assert.match(input.Explanation ?? '', /^Your mail "[ -~]*$/)
        assert.ok((input.Explanation ?? '').length <= 500)
        assert.match(info?.DiagnosticCode ?? '', /^smtp; 550 [ -~]*$/)
        assert.ok((info?.DiagnosticCode ?? '').length <= 256)

        const refused = genuine({ ...options, recipient: 'repeat@yours.example' })
        const reply = await send(refused.data, 'repeat@yours.example')
        assert.match(reply, /^550 5\.\d\.\d We don't read "[ -~]*$/)
        assert.ok(reply.length <= 510, `${reply.length}`)
        // a text's second line would begin one of the log's
        assert.ok(product.haraka.log().every(line => !/^(?:\[INFO\]|Bcc|body)/.test(line)))
      })
    }

    it('addresses: in quotes that they can not leave, and in ASCII', async () => {
      const recipient = '"x\\" action=accept \\\\"@yours.example'
      const since = product.haraka.log().length
      const mail = genuine({ recipient })
      const hostile = { from: 'a\u009b31m\u202e@origin.example', to: [recipient] }
      const { reply } = await session.mail({ ...hostile, data: mail.data })
      assert.match(replyText(reply), /^250 Message taken/)
      const line = await product.haraka.waitForLog('[ses-bounce] rule=', { since })
      const quoted = JSON.stringify(recipient)
      assert.ok(line.includes(` action=bounce recipient=${quoted} sender=${FROM} `), line)

      const { reply: refusal } = await session.mail({ ...hostile, data: plainMail() })
      assert.match(replyText(refusal), /^550 5\.1\.1 /)
      await product.haraka.waitForLog(' sender="a\\u009b31m\\u202e@origin.example"', { since })
    })

    function inputOf(sesId: string) {
      return product.ses.calls.find(({ input }) => input?.OriginalMessageId === sesId)?.input
    }
  })

  it('mutated 150 times gets an answer each time, and makes no bounce for an id that it does not hold', async () => {
    const pick = random(7)
    const samples = SAMPLES.map(name => readFileSync(path.join(SAMPLE_FOLDER, name)))
    const sessions = await Promise.all([1, 2, 3].map(() => openSession({ port: product.haraka.port })))
    const before = new Set(product.jobs().map(({ id }) => id))
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
        const reply = await send(data, [TO, FRIEND, 'echo@yours.example'][n % 3], on)
        assert.match(
          reply,
          /^(?:250 (?:Message taken|captured)|550 5\.\d\.\d [ -~]* \(not bounced: )/,
          sent.at(-1),
        )
      }
    }
    await Promise.all(sessions.map(sendMutations))
    for (const on of sessions) await on.quit()
    const made = product.jobs().filter(({ id }) => !before.has(id))
    assert.ok(made.length > 10, `${made.length} bounces: the mails are too broken to show anything`)
    for (const { sesId } of made)
      assert.ok(
        sent.some(text => text.includes(sesId)),
        sesId,
      )
  })

  it('never reaches anyone whom a rule refused', () => {
    const strangers = product.haraka.delivered().filter(({ to }) => to.some(address => address !== FRIEND))
    assert.deepEqual(strangers, [])
    assert.ok(quarantined(product).every(({ eml }) => eml.length > 0))
  })
})

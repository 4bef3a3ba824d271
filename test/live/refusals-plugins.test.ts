// Refusals of the plugins that administrators use: rspamd, clamd, attachment, access, headers and qmail-deliverable from
// the registry. The servers behind them are fakes that speak their protocols.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { assertUntouched, bounceOf, deliveredOf, keptOf, recipientsOf, relay, said } from './support/flow'
import type { Product } from './support/product'
import { startRefusing } from './support/refusers'
import { replyText } from './support/smtp'

const GOOD = 'user@yours.example'

const RULES = `
[spam and viruses]
refused.by = rspamd, clamd
sender = @lifted.example
action = bounce
guard.spam = false
[content]
refused.by = rspamd, clamd, attachment, headers
action = bounce
bounce.text = {reason}
[blocked]
refused.by = access
action = bounce
[unknown]
refused.by = qmail-deliverable, nobody
action = bounce
bounce.type = DoesNotExist
cap = 500/hour
`

/** Rejects what holds GTUBE's word, as rspamd does. */
function startRspamd(): Promise<Server> {
  const server = createHttpServer((request, response) => {
    let mail = ''
    request.setEncoding('latin1')
    request.on('data', (chunk: string) => {
      mail += chunk
    })
    request.on('end', () => {
      const isSpam = mail.includes('XJS*C4JDBQADN1')
      const verdict = { action: isSpam ? 'reject' : 'no action', score: isSpam ? 99 : 0, required_score: 15 }
      const messages = isSpam ? { messages: { smtp_message: 'Gtube pattern' } } : {}
      response.end(JSON.stringify({ ...verdict, is_skipped: false, symbols: {}, ...messages }))
    })
  })
  return listening(server)
}

/** The protocol of clamd: `zINSTREAM`, chunks with their length in front, a last one of length 0. */
function startClamd(): Promise<Server> {
  const server = createServer(socket => {
    let got = Buffer.alloc(0)
    socket.on('error', () => socket.destroy())
    socket.on('data', chunk => {
      got = Buffer.concat([got, chunk])
      if (!got.subarray(-4).equals(Buffer.alloc(4))) return
      const found = got.includes('EICAR-STANDARD-ANTIVIRUS-TEST-FILE')
      socket.end(found ? 'stream: Eicar-Signature FOUND\n' : 'stream: OK\n')
    })
  })
  return listening(server)
}

/** qmail-deliverabled answers with a number for each address. */
function startQmailDeliverabled(): Promise<Server> {
  const server = createHttpServer((request, response) => {
    const [local = ''] = decodeURIComponent(request.url?.split('?')[1] ?? '').split('@')
    if (local.startsWith('broken')) response.statusCode = 500
    response.end(String(local.startsWith('unknown') ? 0x00 : 0xf1))
  })
  return listening(server)
}

async function listening<S extends Server>(server: S): Promise<S> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

const portOf = (server: Server) => (server.address() as AddressInfo).port

describe('a refusal', function () {
  let product: Product
  const servers: Server[] = []
  before(async () => {
    const [rspamd, clamd, qmail] = await Promise.all([startRspamd(), startClamd(), startQmailDeliverabled()])
    servers.push(rspamd, clamd, qmail)
    product = await startRefusing({
      plugins: ['access', 'qmail-deliverable', 'headers', 'attachment', 'rspamd', 'clamd'],
      rules: RULES,
      files: {
        // relays have private addresses
        'config/rspamd.ini': `host=127.0.0.1\nport=${portOf(rspamd)}\n[check]\nprivate_ip=true\nlocal_ip=true\n[smtp_message]\nenabled=true\n`,
        'config/clamd.ini': `clamd_socket=127.0.0.1:${portOf(clamd)}\n`,
        'config/qmail-deliverable.ini': `host=127.0.0.1\nport=${portOf(qmail)}\ncheck_mail_from=false\nqueue=capture\n`,
        'config/access.ini': '[check]\nany=false\nconn=false\nhelo=false\nmail=true\nrcpt=true\n',
        'config/mail_from.access.blacklist': 'blocked@origin.example\n',
        'config/rcpt_to.access.blacklist': 'closed@yours.example\n',
        'config/headers.ini': '[check]\ninvalid_date=true\n[reject]\ninvalid_date=true\n',
        'plugins/accept_all.js': '',
      },
    })
  })
  after(async () => {
    await product?.stop()
    for (const server of servers) server.close()
  })

  const bounced = async (options: Parameters<typeof relay>[1], to: string[], diagnostic: RegExp) => {
    const { reply, mail } = await relay(product, options)
    assert.equal(reply.code, 250, replyText(reply))
    const bounce = await bounceOf(product, mail)
    assert.deepEqual(recipientsOf(bounce), to)
    const [{ RecipientDsnFields: fields, BounceType: type } = {}] = bounce.BouncedRecipientInfoList ?? []
    assert.match(fields?.DiagnosticCode ?? '', diagnostic)
    return { mail, type, bounce }
  }

  const GTUBE = 'XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X'
  const EICAR = 'X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'

  it('by rspamd is quarantined, as a bounce would tell most spammers what is read', async () => {
    const { reply, mail } = await relay(product, { body: GTUBE })
    assert.equal(reply.code, 250, replyText(reply))
    const [kept] = keptOf(product, mail)
    assert.equal(kept?.record.held[0]?.reason, 'unsafe: spam')
    assert.equal(kept?.record.held[0]?.refused?.reply, 'Gtube pattern')
    assert.deepEqual(deliveredOf(product, mail), [])
  })

  it('by rspamd is bounced with its words where the rule lifts the guard', async () => {
    const sender = 'someone@lifted.example'
    await bounced({ body: GTUBE, sender }, [GOOD], /^smtp; 550 5\.7\.1 Gtube pattern$/)
  })

  it('by clamd is quarantined', async () => {
    const { reply, mail } = await relay(product, { body: EICAR })
    assert.equal(reply.code, 250, replyText(reply))
    assert.equal(keptOf(product, mail)[0]?.record.held[0]?.reason, 'unsafe: virus')
    assert.deepEqual(deliveredOf(product, mail), [])
  })

  it('by clamd, of a mail that rspamd refuses first, is quarantined though the guard for spam is lifted', async () => {
    const { reply, mail } = await relay(product, {
      body: `${GTUBE}\n${EICAR}`,
      sender: 'someone@lifted.example',
    })
    assert.equal(reply.code, 250, replyText(reply))
    assert.equal(keptOf(product, mail)[0]?.record.held[0]?.reason, 'unsafe: virus')
    assert.deepEqual(product.jobs({ sesId: mail.sesId }), [])
  })

  it('by attachment is bounced as rejected content, with its words', async () => {
    const headers = { 'Content-Type': 'multipart/mixed; boundary=b' }
    const body =
      '--b\nContent-Type: text/plain\n\nHello\n--b\nContent-Type: application/octet-stream; name=run.exe\n' +
      'Content-Disposition: attachment; filename=run.exe\nContent-Transfer-Encoding: base64\n\nTVqQAAMAAAA=\n--b--'
    const { type, bounce } = await bounced({ headers, body }, [GOOD], /^smtp; 550 5\.7\.1 Message contains/)
    assert.equal(type, 'ContentRejected')
    assert.match(bounce.Explanation ?? '', /^Message contains disallowed file extension \(exe\)$/)
  })

  it('by headers is bounced', async () => {
    await bounced(
      { headers: { Date: 'some day' } },
      [GOOD],
      /^smtp; 550 5\.7\.1 The Date header could not be parsed$/,
    )
  })

  it('by access of a recipient is bounced to that one alone', async () => {
    const to = ['closed@yours.example', GOOD]
    const { mail } = await bounced(
      { to },
      ['closed@yours.example'],
      /^smtp; 550 5\.7\.1 closed@yours\.example /,
    )
    assert.deepEqual(deliveredOf(product, mail), [{ hook: 'queue', to: [GOOD] }])
  })

  it('by access of the sender is bounced to all recipients', async () => {
    const to = ['second@yours.example', GOOD]
    const options = { to, sender: 'blocked@origin.example' }
    await bounced(options, to, /^smtp; 550 5\.7\.1 <?blocked@origin\.example>? /)
  })

  it('of a recipient that qmail-deliverable does not know is bounced', async () => {
    const to = ['unknown@yours.example']
    const { type } = await bounced({ to }, to, /^smtp; 550 5\.1\.1 I cannot deliver mail for /)
    assert.equal(type, 'DoesNotExist')
  })

  it('for now, as qmail-deliverable has no answer, is heard by the relay', async () => {
    const { reply, mail } = await relay(product, { to: ['broken@yours.example'] })
    assert.equal(said(reply), '450 error validating email address')
    assertUntouched(product, mail)
  })

  it('is none for ordinary mail', async () => {
    const { reply, mail } = await relay(product)
    assert.equal(reply.code, 250, replyText(reply))
    assert.deepEqual(deliveredOf(product, mail), [{ hook: 'queue', to: [GOOD] }])
    assert.deepEqual(product.jobs({ sesId: mail.sesId }), [])
  })
})

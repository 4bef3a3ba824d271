// The same mails through a running Haraka and through `ses-bounce explain`: whatever the one does, the other has said.

import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { explain } from '../../src/cli/explain'
import type { Explanation } from '../../src/cli/explain/explanation'
import { silent } from '../../src/cli/explain/progress'
import { onWire, wireLimits } from '../../src/cli/explain/wire'
import { camelKeys } from '../../src/json'
import { sharedWorkerThreads } from '../cli/shared-threads'
import { callsFor, said, startFlow } from './support/flow'
import { plainMail, relayHop, type SesMailOptions, sesMail } from './support/mail'
import type { Product } from './support/product'
import { openSession, replyText, type SmtpReply, sendMail } from './support/smtp'
import { until } from './support/wait'

const SIZE_LIMIT = 20_000
const RULES = String.raw`[noted]
subject = *
action = drop
mode = observe

[friends]
sender = @friend.example
action = accept

[busy]
recipient = busy@yours.example
action = defer
reply = 4.3.2 Come back, {recipient}

[too-large]
size = > ${SIZE_LIMIT}
action = bounce
bounce.type = MessageTooLarge
bounce.text = {size} is too much

[points]
result.finder.score = > 5
result.finder.names = second
action = reject
reply = Too many points

[programs]
attachment.name = *.exe, übel.*
action = bounce
bounce.type = ContentRejected
bounce.text = No {attachment} from {sender}, "{subject}"
bounce.diagnostic = no programs for {recipient}

[words]
body = /dear\s+f(ö|oe)ll?ow[^.]*money/, *<secret>*
action = reject
reply = 5.7.1 Not with "{subject}"

[broken]
body = /^x+$/
action = quarantine

[subjects]
subject = /^Grüße\b.*€ \d+$/, Gr??e aus 8bit
not.header.X-Good = yes
action = quarantine

[late-header]
header.X-Late = *
action = quarantine

[gone]
recipient = gone-*@yours.example, gone-*@inside.example
action = bounce
bounce.type = DoesNotExist

[named]
recipient = named-*@yours.example
action = bounce
bounce.text = Nobody is {recipient}
deliver = true

[all]
verdict.spf = pass
client.helo = *.origin.example
recipient = *@yours.example
not.recipient = anna@yours.example
action = bounce
`

interface Sent {
  data: Buffer
  from?: string
  to?: string[]
  sesId?: string
  /** HELO in place of EHLO: Haraka then reads headers as bytes. */
  helo?: true
  /** The results of a plugin beside ours. */
  found?: { score: number; names: string[] }
}

/** The facts that a running Haraka had, and its actions. */
interface Witnessed {
  dataBytes: number
  headerLines: string[]
  decisions?: object[]
}

const HOUR_MS = 3_600_000

const MAILS: Record<string, () => Sent> = {
  'a bounce': () => ses({ recipient: 'gone-1@yours.example' }),
  'two recipients of one call': () => ses({}, ['gone-2@yours.example', 'gone-1@yours.example']),
  'two recipients with a text each': () => ses({}, ['named-1@yours.example', 'named-2@yours.example']),
  'a bounce beside an accepted one': () => ses({}, ['gone-1@yours.example', 'anna@yours.example']),
  'a bounce beside a deferred one': () => ses({}, ['gone-1@yours.example', 'busy@yours.example']),
  'a recipient that SES is not known to have had': () =>
    ses({ headers: { To: 'gone-1@yours.example' } }, ['gone-1@yours.example', 'gone-3@inside.example']),
  'a rewritten recipient': () => ({
    ...ses({ recipient: 'gone-1@yours.example' }),
    to: ['box@inside.example'],
  }),
  'a guard': () => ses({ spam: 'FAIL' }),
  'the null sender': () => ses({ sender: '' }),
  'a forged sender': () => ses({ spf: 'fail', dkim: [], dmarc: null, recipient: 'gone-1@yours.example' }),
  'another MAIL FROM than SES had': () => ({ ...ses({}), from: 'relay@other.example' }),
  'an accepted sender': () => ses({ sender: 'a@friend.example' }),
  'an expired one': () => ses({ receivedAt: new Date(Date.now() - 25 * HOUR_MS) }),
  'no receipt': () => ({
    data: plainMail({ headers: { To: 'gone-1@yours.example' } }),
    to: ['gone-1@yours.example'],
  }),
  'Mail Manager': () => ses({ form: 'mail-manager', spam: null, virus: null }),
  'later hops': () => ses({ extraTop: [relayHop(), relayHop({ by: 'b.yours.example' })] }),
  'the largest that is not too large': () => ofSize(SIZE_LIMIT),
  'the smallest that is too large': () => ofSize(SIZE_LIMIT + 1),
  'lines with dots': () => ses({ body: '.\n..\n.a\n\n.' }),
  'no line end behind it': () => cut(ses({}), 2),
  'lines that are too long': () =>
    ses({ headers: { Subject: 's'.repeat(3000) }, body: `${'x'.repeat(990)}${'x'.repeat(900)}` }),
  'a long line that is one all the same': () => ses({ body: `${'x'.repeat(600)} ${'y'.repeat(300)}` }),
  'more lines in its header than Haraka looks at': () =>
    ses({ headers: { ...many('X', 1200), 'X-Late': 'here' } }),
  'a header and no empty line': () => withoutEmptyLine(ses({}), ''),
  'a body without an empty line before it': () =>
    withoutEmptyLine(ses({}), 'this is no field\r\nX-Late: no\r\n'),
  'an encoded subject': () => ses({ headers: { Subject: encoded('Grüße, das macht € 15') } }),
  'a raw subject': () => ses({ headers: { Subject: 'Grüße aus 8bit' } }),
  'a raw subject behind HELO': () => ({ ...ses({ headers: { Subject: 'Grüße aus 8bit' } }), helo: true }),
  'a subject that is no UTF-8': () => latin1(ses({ headers: { Subject: 'Grüße aus 8bit' } })),
  'a subject with a good word beside it': () =>
    ses({ headers: { Subject: 'Grüße aus 8bit', 'x-good': 'Yes' } }),
  'a program': () => ses(withAttachment('setup.EXE')),
  'a program with a name that has to be encoded': () =>
    ses(withAttachment('=?utf-8?B?w5xiZWwuemlw?=', { Subject: encoded('für "dich"') })),
  'a text that is refused': () =>
    ses({ body: 'Dear föllow,\nhere is the MONEY', headers: { Subject: encoded('Geld für Sie') } }),
  'the text of HTML': () =>
    ses({
      headers: { 'Content-Type': 'text/html; charset=utf-8', 'Content-Transfer-Encoding': 'base64' },
      body: Buffer.from('<p>a <b>&lt;sec</b>ret&gt; word').toString('base64'),
    }),
  'what another plugin found': () => ({ ...ses({}), found: { score: 5.5, names: ['first', 'second'] } }),
  'too little of what another plugin found': () => ({ ...ses({}), found: { score: 5, names: ['second'] } }),
  'a HELO that would be a result': () => ses({ helo: 'x;dkim=pass.origin.example' }),
}

describe('ses-bounce explain, beside a running Haraka', function () {
  const decided = new Set<string>()
  let product: Product
  let folder = ''
  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'explain-'))
    product = await startFlow({
      rules: RULES,
      plugins: ['finder', 'witness', 'ses-bounce', 'probe'],
      files: { 'plugins/witness.js': witnessPlugin, 'plugins/finder.js': finderPlugin },
    })
  })
  after(async () => {
    rmSync(folder, { recursive: true, force: true })
    await product?.stop()
  })

  for (const [what, make] of Object.entries(MAILS)) {
    it(`says of ${what} what becomes of it`, async () => {
      const mail = make()
      const before = witnesses().length
      const reply = await deliver(mail)
      const witnessed = await until(() => witnesses()[before], {
        what: `the witness of a mail that got ${replyText(reply)}`,
      })
      const job = mail.sesId === undefined ? undefined : product.jobs({ sesId: mail.sesId })[0]
      const explained = await explanationOf(mail, job?.createdAtMs ?? Date.now())
      const { decisions, envelope, answer } = explained
      for (const { rule, reason } of decisions) decided.add(`[${rule ?? ''}] ${reason ?? ''}`.trim())

      const seen = onWire(
        mail.data,
        wireLimits(readFileSync(path.join(product.haraka.dir, 'config/connection.ini'), 'utf8')),
      )
      assert.equal(envelope.sizeBytes, witnessed.dataBytes)
      if (mail.helo === undefined) assert.deepEqual(seen.headerLines, witnessed.headerLines)
      assert.deepEqual(
        decisions.map(({ recipient, rule, wanted, action, reason, detail }) => ({
          recipient,
          ...(rule !== null && { rule }),
          wanted,
          action,
          ...(reason !== null && { reason, detail }),
        })),
        witnessed.decisions,
      )
      assert.equal(
        said(reply).replace(/^250 .*/, '250'),
        answer.kind === 'refuse' ? `${answer.code} ${answer.text}` : '250',
      )
      const { sesId } = mail
      const calls = sesId === undefined ? [] : await callsFor(product, { sesId })
      const inputs = new Set(
        decisions.flatMap(({ sendBounce }) => (sendBounce ? [JSON.stringify(sendBounce)] : [])),
      )
      assert.deepEqual(
        calls.map(({ input }) => JSON.parse(JSON.stringify(input)) as Input).toSorted(byRecipient),
        [...inputs].map(input => JSON.parse(input) as Input).toSorted(byRecipient),
      )
    })
  }

  it('had each rule decide, and each reason come up, but for the header that Haraka looks at no more', () => {
    const rules = [...RULES.matchAll(/^(\[.+\])$/gm)].map(([, name = '']) => name)
    const without = rules.filter(name => ![...decided].some(one => one.startsWith(name)))
    assert.deepEqual(without, ['[noted]', '[late-header]'])
    for (const reason of ['unsafe', 'mismatch', 'expired', 'no_receipt'])
      assert.ok(
        [...decided].some(one => one.endsWith(reason)),
        reason,
      )
  })

  async function deliver({
    data,
    from = 'someone@origin.example',
    to = ['user@yours.example'],
    helo,
    found,
  }: Sent): Promise<SmtpReply> {
    writeFileSync(path.join(product.haraka.dir, 'found.json'), JSON.stringify(found ?? {}))
    const { port } = product.haraka
    if (helo === undefined) return (await sendMail({ port, from, to, data })).reply
    const session = await openSession({ port })
    try {
      await session.command('HELO relay.yours.example')
      return (await session.mail({ from, to, data })).reply
    } finally {
      session.destroy()
    }
  }

  /** A line of each mail. */
  function witnesses(): Witnessed[] {
    const file = path.join(product.haraka.dir, 'witness.jsonl')
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []
    return lines.map(line => JSON.parse(line) as Witnessed)
  }

  async function explanationOf(mail: Sent, atMs: number): Promise<Explanation> {
    const file = path.join(folder, 'mail.eml')
    writeFileSync(file, mail.data)
    const { from = 'someone@origin.example', to = ['user@yours.example'], found } = mail
    const args = [
      '--json',
      '--dir',
      product.haraka.dir,
      '--at',
      new Date(atMs).toISOString(),
      '--from',
      from,
      ...to.flatMap(address => ['--to', address]),
      ...(found ? ['--result', `finder.score=${found.score}`] : []),
      ...(found?.names ?? []).flatMap(name => ['--result', `finder.names=${name}`]),
    ]
    const lines: string[] = []
    const out = { line: (text: string) => void lines.push(text), error: (text: string) => assert.fail(text) }
    const io = {
      stdin: Readable.from([]),
      progress: silent,
      nowMs: Date.now(),
      openWorkerThreads: sharedWorkerThreads,
    }
    const code = await explain([...args, file], out, {}, io)
    assert.equal(code, 0, lines.join('\n'))
    return camelKeys(JSON.parse(lines[0] ?? '')) as Explanation
  }
})

interface Input {
  BouncedRecipientInfoList: { Recipient: string }[]
}

function byRecipient(one: Input, other: Input): number {
  const [a = '', b = ''] = [one, other].map(({ BouncedRecipientInfoList: [first] }) => first?.Recipient)
  return a < b ? -1 : Number(a > b)
}

/** SES's `for` is the first recipient; To names them all. */
function ses(
  options: SesMailOptions,
  to = [options.recipient ?? 'user@yours.example'],
): Sent & { sesId: string } {
  const [recipient = ''] = to
  const { data, sesId, sender } = sesMail({
    recipient,
    ...options,
    headers: { To: to.join(', '), ...options.headers },
  })
  return { data, sesId, to, ...(sender !== undefined && { from: sender }) }
}

/** The size as Haraka counts it: with the line that ends a mail. */
function ofSize(bytes: number): Sent {
  const options = { recipient: 'anna@yours.example', receivedAt: new Date() }
  const missing = bytes - ses({ ...options, body: '' }).data.length - 3
  const lines = Math.floor(missing / 52)
  return ses({
    ...options,
    body: `${'.'.padEnd(49, 'x')}\n`.repeat(lines) + 'x'.repeat(missing - lines * 52),
  })
}

function cut(mail: Sent, bytes: number): Sent {
  return { ...mail, data: mail.data.subarray(0, -bytes) }
}

function withoutEmptyLine(mail: Sent, body: string): Sent {
  const [header = ''] = mail.data.toString('latin1').split('\r\n\r\n')
  return { ...mail, data: Buffer.from(`${header}\r\n${body}`, 'latin1') }
}

function latin1(mail: Sent): Sent {
  return { ...mail, data: Buffer.from(mail.data.toString('utf8'), 'latin1') }
}

function many(name: string, count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`${name}-${index}`, 'x']))
}

function encoded(text: string): string {
  return `=?utf-8?B?${Buffer.from(text).toString('base64')}?=`
}

function withAttachment(name: string, headers: Record<string, string> = {}): SesMailOptions {
  const parts = [
    '--b\r\nContent-Type: text/plain\r\n\r\nsee there',
    `--b\r\nContent-Type: application/octet-stream; name="${name}"\r\nContent-Disposition: attachment; filename="${name}"\r\n\r\nMZ`,
    '--b--',
  ]
  return { headers: { 'Content-Type': 'multipart/mixed; boundary=b', ...headers }, body: parts.join('\r\n') }
}

// Writes down Haraka's facts about each mail, and our plugin's decisions, whether or not it was refused.
const witnessPlugin = `'use strict'
const fs = require('node:fs')
const path = require('node:path')
const file = path.join(process.env.HARAKA, 'witness.jsonl')

exports.register = function () {
  this.register_hook('queue_ok', 'witness')
  // ours ends this hook for what the rules refuse: the witness comes before it
  this.register_hook('deny', 'witness', -100)
}

exports.witness = (next, connection) => {
  const { data_bytes: dataBytes, header_lines: lines, results } = connection.transaction
  const note = { dataBytes, headerLines: lines.slice(1), decisions: results.get('ses-bounce')?.decisions }
  fs.appendFileSync(file, JSON.stringify(note) + '\\n')
  next()
}
`

const finderPlugin = `'use strict'
const fs = require('node:fs')
const path = require('node:path')
const file = path.join(process.env.HARAKA, 'found.json')

exports.hook_data_post = function (next, connection) {
  connection.transaction.results.add(this, JSON.parse(fs.readFileSync(file, 'utf8')))
  next()
}
`

// Conditions on what is in a mail, and on what other plugins found: through a running Haraka, and off its own thread.

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import {
  assertUntouched,
  bounceOf,
  deliveredOf,
  keptOf,
  type RelayOptions,
  relay,
  said,
  startFlow,
} from './support/flow'
import type { SesMail } from './support/mail'
import type { Product } from './support/product'
import { watch } from './support/unharmed'

const RULES = `[slow]
recipient = slow@yours.example
body = ${Array.from({ length: 30 }, (_, i) => `/a[ab\\s]{${300 + i}}(?:[c-z]|\\d\\d)/`).join(', ')}
action = drop

[quick]
recipient = quick@yours.example
action = quarantine

[programs]
attachment.name = *.exe, *.js, /^setup.*\\.zip$/
action = bounce
bounce.type = ContentRejected
bounce.text = We take no programs by mail ({attachment}). Please send a link.

[packed]
recipient = packed@yours.example
attachment.archive = *.exe
action = bounce
bounce.text = No {attachment}, please

[album]
attachment.type = image/*
attachment.count = > 2
action = quarantine

[large-part]
attachment.size = > 30kb
action = reject
reply = 5.3.4 {attachment} is too large

[phrases]
not.recipient = friend@yours.example
body = /wire\\s+transfer/, *cafÉ lottery*
action = bounce
bounce.text = No {rule}

[scored]
result.scorer.score = > 15
not.result.scorer.tags = trusted
action = quarantine

[named]
recipient = named@yours.example
action = reject
reply = 5.7.1 No {attachment} here
`

/** Counts how often a mail was read whole before it was queued, and leaves results as a scanner does. */
const SCORER = `'use strict'
const fs = require('node:fs')
const path = require('node:path')
exports.hook_data_post = function (next, connection) {
  const { transaction } = connection
  const stream = transaction.message_stream
  const pipe = stream.pipe
  transaction.notes.pipes = 0
  stream.pipe = function (...args) {
    transaction.notes.pipes++
    return pipe.apply(this, args)
  }
  const score = Number(transaction.header.get('X-Score').trim() || '0')
  transaction.results.add(this, { score, tags: transaction.header.get('X-Tags').trim().split(' ') })
  next()
}
exports.hook_queue = function (next, { transaction }) {
  const line = JSON.stringify({ id: transaction.header.get('Message-ID').trim(), pipes: transaction.notes.pipes })
  fs.appendFileSync(path.join(process.env.HARAKA, 'pipes.jsonl'), line + '\\n')
  next()
}
`

interface Part {
  type: string
  name?: string
  body?: string
}

/** A mail of these parts. */
function of(...parts: Part[]): RelayOptions {
  const body = parts.map(({ type, name, body: text = 'x' }) =>
    [
      '--part',
      `Content-Type: ${type}`,
      ...(name === undefined ? [] : [`Content-Disposition: attachment; filename="${name}"`]),
      '',
      text,
    ].join('\r\n'),
  )
  return {
    headers: { 'Content-Type': 'multipart/mixed; boundary=part' },
    body: `${body.join('\r\n')}\r\n--part--\r\n`,
  }
}

const encoded = (type: string, encoding: string, body: string): RelayOptions => ({
  headers: { 'Content-Type': type, 'Content-Transfer-Encoding': encoding },
  body,
})

/** Letters a and b as they come: each makes new work for an expression that counts them. */
function hostileText(length: number): string {
  let state = 1
  const letter = () => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff
    return (state >> 16) & 1 ? 'a' : 'b'
  }
  return Array.from({ length }, (_, i) => (i % 80 === 79 ? '\r\n' : letter())).join('')
}

describe('the content of a mail', function () {
  let product: Product
  let assertUnharmed: () => Promise<void>
  before(async () => {
    product = await startFlow({
      rules: RULES,
      ini: { content: { limit: '100kb' } },
      plugins: ['scorer', 'ses-bounce', 'probe'],
      files: { 'plugins/scorer.js': SCORER },
      haraka: { ready: 'dispatching' },
    })
    assertUnharmed = watch(product)
  })
  after(() => product.stop())

  /** The fate of the mail, in a word. */
  async function fate(options: RelayOptions): Promise<{ how: string; mail: SesMail }> {
    const { reply, mail } = await relay(product, options)
    if (reply.code !== 250) return { how: said(reply), mail }
    const [job] = product.jobs({ sesId: mail.sesId })
    if (job !== undefined) return { how: `bounced: ${job.explanation}`, mail }
    return { how: keptOf(product, mail).length > 0 ? 'kept' : 'delivered', mail }
  }
  const how = async (options: RelayOptions) => (await fate(options)).how

  it('decides by the names of attachments, and the text names the one it is about', async () => {
    const programs = (name: string) => `bounced: We take no programs by mail (${name}). Please send a link.`
    assert.equal(
      await how(
        of({ type: 'text/plain' }, { type: 'image/png', name: 'a.png' }, { type: 'a/b', name: 'RUN.Exe ' }),
      ),
      programs('RUN.Exe'),
    )
    assert.equal(await how(of({ type: 'application/zip', name: 'setup 1.zip' })), programs('setup 1.zip'))
    assert.equal(await how(of({ type: 'text/plain; name="gr\u00fc\u00dfe.js"' })), programs('gr??e.js'))
    assert.equal(await how(of({ type: 'application/pdf', name: 'exe.pdf' })), 'delivered')
    const { mail } = await fate(of({ type: 'a/b', name: 'x.exe' }))
    const { Explanation, BouncedRecipientInfoList } = await bounceOf(product, mail)
    assert.equal(Explanation, 'We take no programs by mail (x.exe). Please send a link.')
    assert.equal(BouncedRecipientInfoList?.[0]?.BounceType, 'ContentRejected')
  })

  it('decides by the names of files in archives, and by letters that look like those of a pattern', async () => {
    const corpus = path.join(__dirname, '../mail/corpus')
    const [, archive = ''] = readFileSync(path.join(corpus, 'archive.eml'), 'latin1').split(/\r?\n\r?\n/)
    const base64 = 'application/zip\r\nContent-Transfer-Encoding: base64'
    const packed = (body: string) => ({
      ...of({ type: 'text/plain' }, { type: base64, name: 'a.zip', body }),
      to: ['packed@yours.example'],
    })
    assert.equal(await how(packed(archive)), 'bounced: No docs/run.exe, please')
    assert.equal(await how(packed('UEsDBG5v')), 'kept')
    assert.equal(await how({ ...of({ type: base64, name: 'a.zip', body: archive }) }), 'delivered')
    const text = encoded('text/plain; charset=utf-8', '8bit', 'a wіrе transfеr, please')
    assert.equal(await how(text), 'bounced: No phrases')
  })

  it('decides by type, count and size of attachments', async () => {
    const pictures = (count: number) =>
      of(...Array.from({ length: count }, () => ({ type: 'image/jpeg', name: 'p' })))
    assert.equal(await how(pictures(2)), 'delivered')
    assert.equal(await how(pictures(3)), 'kept')
    const line = `${'x'.repeat(70)}\r\n`
    assert.equal(
      await how(of({ type: 'a/b', name: 'big.bin', body: line.repeat(600) })),
      '550 5.3.4 big.bin is too large',
    )
    assert.equal(await how(of({ type: 'a/b', name: 'big.bin', body: line.repeat(300) })), 'delivered')
  })

  it('decides by text, decoded, and by the text of HTML', async () => {
    const bounced = 'bounced: No phrases'
    assert.equal(await how({ body: 'Please make a WIRE\r\n transfer today.' }), bounced)
    assert.equal(
      await how(encoded('text/plain; charset=iso-8859-1', 'quoted-printable', 'the Caf=E9 lot=\r\ntery!')),
      bounced,
    )
    const html = '<p>the caf&eacute; <b>lot</b>tery</p><script>wire transfer</script>'
    assert.equal(await how(encoded('text/html', 'base64', Buffer.from(html).toString('base64'))), bounced)
    assert.equal(
      await how(encoded('text/html', '7bit', '<script>wire transfer</script><!-- wire transfer -->')),
      'delivered',
    )
    assert.equal(await how({ body: 'wire transfer', to: ['friend@yours.example'] }), 'delivered')
  })

  it('decides by results of other plugins', async () => {
    const scored = (score: string, tags: string) => how({ headers: { 'X-Score': score, 'X-Tags': tags } })
    assert.equal(await scored('15.5', 'bulk new'), 'kept')
    assert.equal(await scored('15', 'bulk'), 'delivered')
    assert.equal(await scored('99', 'bulk Trusted'), 'delivered')
  })

  it('fills in the first attachment where the rule names none', async () => {
    const to = ['named@yours.example']
    assert.equal(
      await how({ ...of({ type: 'a/b', name: 'one.txt' }, { type: 'a/b', name: 'two.txt' }), to }),
      '550 5.7.1 No one.txt here',
    )
    assert.equal(await how({ to }), '550 5.7.1 No  here')
  })

  it('is read once however many rules ask, and not at all where a cheaper rule decides', async () => {
    const asked = await fate({})
    assert.equal(asked.how, 'delivered')
    const cheap = await fate({ to: ['quick@yours.example'] })
    assert.equal(cheap.how, 'kept')
    await bounceOf(product, (await fate({ body: 'wire transfer' })).mail)
    assert.equal(pipesOf(product, asked.mail), 1)
    // by the quarantine
    assert.equal(pipesOf(product, cheap.mail), undefined)
    assert.equal(deliveredOf(product, asked.mail).length, 1)
  })

  it('is searched up to the limit, with a log line', async () => {
    const padding = `${'x'.repeat(70)}\r\n`.repeat(2000)
    const { how: became, mail } = await fate({ body: `${padding}wire transfer` })
    assert.equal(became, 'delivered')
    await product.haraka.waitForLog(new RegExp(`ses_id=${mail.sesId} warning="a text is longer than`))
    assert.equal(await how({ body: `wire transfer\r\n${padding}` }), 'bounced: No phrases')
  })

  it('that can never be read is quarantined for the rule that needs it, with the reason in the log', async () => {
    const many = of(...Array.from({ length: 1500 }, () => ({ type: 'a/b' })))
    const { how: became, mail } = await fate(many)
    assert.equal(became, 'kept')
    await product.haraka.waitForLog(
      new RegExp(
        `rule=programs action=quarantine .*ses_id=${mail.sesId} .*because=unreadable detail="it has more than 1000 parts"`,
      ),
    )
    // rules that ask for none of it decide as ever
    assert.equal(
      await how({ ...many, headers: { ...many.headers, 'X-Score': '99' }, to: ['quick@yours.example'] }),
      'kept',
    )
    await assertUnharmed()
  })

  it('that takes too long to match causes a temporary refusal, and no other mail waits', async () => {
    const answered: string[] = []
    const note = async (name: string, options: RelayOptions) => {
      const result = await fate(options)
      answered.push(name)
      return result
    }
    const slow = note('slow', { to: ['slow@yours.example'], body: hostileText(100_000) })
    const other = await note('other', { body: 'hello' })
    assert.equal(other.how, 'delivered')
    const { how: became, mail } = await slow
    assert.equal(became, '450 4.3.0 Try again later')
    assert.deepEqual(answered, ['other', 'slow'])
    assertUntouched(product, mail)
    await product.haraka.waitForLog(
      new RegExp(
        `ses_id=${mail.sesId} reason="\\[slow\\] can't be checked: (?:searching its text|matching it with the rules) takes longer than`,
      ),
    )
    await assertUnharmed()
  })
})

function pipesOf({ haraka }: Product, { data }: SesMail): number | undefined {
  const file = path.join(haraka.dir, 'pipes.jsonl')
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
  const noted = lines.map(line => JSON.parse(line) as { id: string; pipes: number })
  return noted.find(({ id }) => data.includes(id))?.pipes
}

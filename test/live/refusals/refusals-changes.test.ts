// Changes between the relay's RCPT and the end of its mail, and in mode observe.

import assert from 'node:assert/strict'
import { Database } from '../../../src/queue/sqlite/database'
import {
  assertUntouched,
  bounceOf,
  callsFor,
  deliveredOf,
  mailFor,
  recipientsOf,
  relay,
  said,
} from '../support/flow'
import type { SesMail } from '../support/mail'
import { killIfAlive } from '../support/processes'
import { iniText, type Product } from '../support/product'
import { startRefusing, WORDS } from '../support/refusers'
import { write } from '../support/reload'
import { openSession, replyText, type SmtpReply, type SmtpSession } from '../support/smtp'

const FROM = 'someone@origin.example'
const GOOD = 'user@yours.example'
const BAD = 'ldap.rcpt.text@yours.example'
const RULES = `
[unknown]
refused.by = ldap
action = bounce
[unmade]
refused.by = scan
action = bounce
`
const BY_HAND = '[gone]\nrecipient = nobody-at-all@yours.example\naction = drop\n'

async function begin(session: SmtpSession, to: readonly string[]): Promise<SmtpReply[]> {
  assert.equal((await session.command(`MAIL FROM:<${FROM}>`)).code, 250)
  const replies: SmtpReply[] = []
  for (const address of to) replies.push(await session.command(`RCPT TO:<${address}>`))
  return replies
}

async function finish(session: SmtpSession, { data }: SesMail): Promise<SmtpReply> {
  const begun = await session.command('DATA')
  return begun.code === 354 ? session.command(`${data.toString('latin1')}.`) : begun
}

describe('a recipient that was refused and accepted for the time being', function () {
  let product: Product
  beforeEach(async () => {
    product = await startRefusing({ above: [{ name: 'ldap' }, { name: 'scan' }], rules: RULES })
  })
  afterEach(() => product.stop())

  /** Until Haraka has said that it goes by the change. */
  async function change(file: string, text: string): Promise<void> {
    const since = product.haraka.log().length
    write(product, file, text)
    await product.haraka.waitForLog(/\[ses-bounce\] configuration reloaded/, { since })
  }

  const observed = () => iniText({ main: { mode: 'observe' } }, product.ses.url)
  const changes: [what: string, change: () => Promise<void>][] = [
    ['no rule is about it any more', () => change('ses-bounce-rules.ini', BY_HAND)],
    ['the rules are only observed by now', () => change('ses-bounce.ini', observed())],
    [
      'its relay is not trusted any more',
      () => change('ses-bounce.ini', iniText({ relay: { trusted: '192.0.2.1' } }, product.ses.url)),
    ],
  ]
  for (const [what, happens] of changes) {
    it(`makes the relay try again, and get the refusal then, where ${what}`, async () => {
      const session = await openSession({ port: product.haraka.port })
      const mail = mailFor(product, [BAD, GOOD])
      const replies = await begin(session, [BAD, GOOD])
      assert.deepEqual(
        replies.map(({ code }) => code),
        [250, 250],
      )
      await happens()
      const reply = await finish(session, mail)
      assert.equal(said(reply), '450 4.3.0 Try again later')
      assertUntouched(product, mail)
      await session.command('RSET')
      const [refused] = await begin(session, [BAD])
      assert.equal(refused && replyText(refused), `550 ${WORDS.text}`)
      await session.quit()
    })
  }

  it('is nowhere after all of Haraka was killed', async () => {
    const session = await openSession({ port: product.haraka.port })
    const mail = mailFor(product, [BAD])
    await begin(session, [BAD])
    for (const { pid } of product.haraka.family()) killIfAlive(pid, 'SIGKILL')
    await assert.rejects(finish(session, mail))
    await product.haraka.stop()
    assertUntouched(product, mail)
  })

  it('makes the relay try again while the queue can not be written', async () => {
    // the queue's file is there once the first mail has come
    await relay(product, { to: [BAD] })
    const mail = mailFor(product, [BAD, GOOD])
    const database = new Database(product.queueFile, { busyMs: 5000, create: false })
    try {
      database.run('BEGIN IMMEDIATE')
      const { reply } = await relay(product, { mail, to: [BAD, GOOD] })
      assert.equal(reply.code, 450, replyText(reply))
    } finally {
      database.run('ROLLBACK')
      database.close()
    }
    assertUntouched(product, mail)
    const { reply } = await relay(product, { mail, to: [BAD, GOOD] })
    assert.equal(reply.code, 250, replyText(reply))
    assert.deepEqual(recipientsOf(await bounceOf(product, mail)), [BAD])
    assert.deepEqual(deliveredOf(product, mail), [{ hook: 'queue', to: [GOOD] }])
  })
})

describe('a bounce for a refused recipient', function () {
  it('is made once, though Haraka is killed between the write of its job and the answer', async () => {
    const options = {
      above: [{ name: 'ldap' }],
      plugins: ['killer'],
      rules: RULES,
      files: { 'plugins/killer.js': KILLER },
    }
    const first = await startRefusing(options)
    const mail = mailFor(first, [BAD])
    await assert.rejects(relay(first, { to: [BAD], mail }))
    await first.haraka.stop()
    const product = await startRefusing({
      ...options,
      localSes: first.ses,
      haraka: { dir: first.haraka.dir },
    })
    try {
      assert.equal((await relay(product, { to: [BAD], mail })).reply.code, 250)
      assert.equal((await callsFor(product, mail)).length, 1)
      assert.equal(product.jobs({ sesId: mail.sesId }).length, 1)
      assert.deepEqual(deliveredOf(product, mail), [])
    } finally {
      await product.stop()
      await first.ses.close()
    }
  })
})

for (const mode of ['main', 'rule'] as const) {
  describe(`with mode = observe of the ${mode === 'main' ? 'whole plugin' : 'rule'}, a refusal`, function () {
    let product: Product
    before(async () => {
      product = await startRefusing({
        above: ['gate', 'ldap', 'scan', 'store'].map(name => ({ name })),
        ...(mode === 'main' && { ini: { main: { mode: 'observe' } } }),
        rules: `[all]\nrefused.stage = *\naction = bounce\n${mode === 'rule' ? 'mode = observe\n' : ''}`,
      })
    })
    after(() => product.stop())

    const cases: [stage: string, options: { to?: string[]; sender?: string }, code: number][] = [
      ['rcpt', { to: [BAD] }, 550],
      ['mail', { sender: 'gate.mail.text@origin.example' }, 550],
      ['data', { sender: 'scan.data.text@origin.example' }, 554],
      ['data', { sender: 'scan.data_post.text@origin.example' }, 550],
      ['queue', { sender: 'store.queue.text@origin.example' }, 550],
    ]
    for (const [stage, options, code] of cases) {
      const at = options.sender?.split('.')[1] ?? stage
      it(`at ${at} is heard as ever, and the log says what the rule would do`, async () => {
        const since = product.haraka.log().length
        const { reply, mail } = await relay(product, options)
        assert.equal(said(reply), `${code} ${WORDS.text}`)
        assertUntouched(product, mail)
        const line = await product.haraka.waitForLog('refused_by=', { since })
        assert.match(line, new RegExp(`stage=${stage} code=${code} .*mode=observe rule=all`))
      })
    }
  })
}

/** Kills all of Haraka when a mail has been taken, the first time. */
const KILLER = `'use strict'
const fs = require('node:fs')
const path = require('node:path')
const once = path.join(process.env.HARAKA, 'killed')
exports.hook_queue_ok = next => {
  if (fs.existsSync(once)) return next()
  fs.writeFileSync(once, '')
  process.kill(process.pid, 'SIGKILL')
}
`

// The outcome of a mail that another plugin refuses as a whole: at MAIL, at DATA, and when it is there.

import assert from 'node:assert/strict'
import { assertUntouched, bounceOf, deliveredOf, keptOf, recipientsOf, relay, said } from './support/flow'
import type { Product } from './support/product'
import { type Form, startRefusing, WORDS } from './support/refusers'
import { replyText } from './support/smtp'

const GOOD = 'user@yours.example'
const OTHER = 'other@yours.example'

const RULES = `
[partner]
refused.by = gate, scan
envelope.recipient = partner@yours.example
action = quarantine
[told]
refused.by = gate, scan, late
not.subject = *leave it*
not.envelope.recipient = silent@yours.example
action = bounce
[both]
refused.by = ldap
action = bounce
bounce.text = The directory: {reason}
`

/** Accepts no recipient `nobody...`, and none at `@elsewhere...`. */
const ACCEPTS = `'use strict'
exports.hook_rcpt = (next, connection, [{ address }]) =>
  next(/^nobody|@elsewhere/.test(address) ? undefined : OK)
`

describe('a mail that another plugin refuses', function () {
  let product: Product
  before(async () => {
    product = await startRefusing({
      above: [{ name: 'gate' }, { name: 'scan' }, { name: 'ldap' }],
      below: [{ name: 'late', priorities: { data_post: 100 } }, { name: 'clamd' }],
      rules: RULES,
      files: { 'plugins/accept_all.js': ACCEPTS },
    })
  })
  after(() => product.stop())

  const stages: [plugin: string, hook: string, code: number][] = [
    ['gate', 'mail', 550],
    ['scan', 'data', 554],
    ['scan', 'data_post', 550],
  ]
  for (const [plugin, hook, code] of stages) {
    describe(`at ${hook}`, function () {
      const from = (form: Form) => `${plugin}.${hook}.${form}@origin.example`

      it('is bounced to all its recipients, and handed to no other plugin', async () => {
        const to = [GOOD, OTHER]
        const { reply, mail } = await relay(product, { to, sender: from('text') })
        assert.equal(reply.code, 250, replyText(reply))
        const bounce = await bounceOf(product, mail)
        assert.deepEqual(recipientsOf(bounce), to.toSorted())
        for (const { RecipientDsnFields: fields } of bounce.BouncedRecipientInfoList ?? [])
          assert.equal(fields?.DiagnosticCode, `smtp; ${code} 5.7.1 ${WORDS.text}`)
        assert.deepEqual(deliveredOf(product, mail), [])
      })

      it('follows the rule for each of its recipients', async () => {
        const to = ['partner@yours.example', OTHER]
        const { reply, mail } = await relay(product, { to, sender: from('coded') })
        assert.equal(reply.code, 250, replyText(reply))
        assert.deepEqual(recipientsOf(await bounceOf(product, mail)), [OTHER])
        assert.deepEqual(
          keptOf(product, mail).flatMap(({ record }) => record.held.map(({ recipient }) => recipient)),
          ['partner@yours.example'],
        )
        assert.deepEqual(deliveredOf(product, mail), [])
      })

      it('is refused for all, where no rule is about it for one of the recipients', async () => {
        const to = [GOOD, 'silent@yours.example', 'partner@yours.example']
        const { reply, mail } = await relay(product, { to, sender: from('text') })
        assert.equal(said(reply), `${code} ${WORDS.text}`)
        assertUntouched(product, mail)
      })

      for (const form of ['text', 'lines', 'dsn', 'nothing'] as const) {
        it(`is refused in the very words, where no rule is about it after all, given as ${form}`, async () => {
          const { reply, mail } = await relay(product, {
            to: [GOOD, OTHER],
            sender: from(form),
            headers: { Subject: 'leave it' },
          })
          const words = {
            text: `${code} ${WORDS.text}`,
            lines: `${code} 5.7.1 Two lines\n5.7.1 of words`,
            dsn: `552 ${WORDS.dsn}`,
            nothing: hook === 'mail' ? `550 sender <${from('nothing')}> denied` : `${code} Message denied`,
          }
          assert.equal(said(reply), words[form])
          assertUntouched(product, mail)
        })
      }

      it('is delivered again after a temporary refusal', async () => {
        for (const form of ['soft', 'softdsn'] as const) {
          const { reply, mail } = await relay(product, { to: [GOOD], sender: from(form) })
          assert.equal(replyText(reply), `${hook === 'data' && form === 'soft' ? 451 : 450} ${WORDS[form]}`)
          assertUntouched(product, mail)
        }
      })

      it('is delivered to nobody, though one recipient was refused before, and is bounced by the first rule', async () => {
        const to = ['ldap.rcpt.text@yours.example', OTHER]
        const { reply, mail } = await relay(product, { to, sender: from('text') })
        assert.equal(reply.code, 250, replyText(reply))
        assert.deepEqual(recipientsOf(await bounceOf(product, mail)), to.toSorted())
        assert.deepEqual(deliveredOf(product, mail), [])
      })
    })
  }

  it("is refused by a plugin that is asked after the rules, in that plugin's words", async () => {
    const { reply, mail } = await relay(product, { to: [GOOD], sender: 'late.data_post.text@origin.example' })
    assert.equal(said(reply), `550 ${WORDS.text}`)
    assertUntouched(product, mail)
  })

  it('is quarantined by default, where a virus scanner has refused it', async () => {
    const { reply, mail } = await relay(product, {
      to: ['ldap.rcpt.text.infected@yours.example'],
      sender: 'clamd.data_post.text@origin.example',
    })
    // no rule names clamd, but the one for ldap holds; the guard sees all refusals of the mail
    assert.equal(reply.code, 250, replyText(reply))
    assert.equal(keptOf(product, mail)[0]?.record.held[0]?.reason, 'unsafe: virus')
    assert.deepEqual(product.jobs({ sesId: mail.sesId }), [])
  })
})

// Mail that no rule's patterns for the header can hold, through a running Haraka: it is delivered as without the plugin, counted
// as inspected, and has no line in the log. `explain` says so.

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { readOpenMetrics } from '../http/open-metrics'
import { sesBounce } from './support/command'
import { deliveredOf, keptOf, linesOf, noted, type RelayOptions, relay } from './support/flow'
import { askHttp, startServed, TOKEN } from './support/http'
import type { SesMail } from './support/mail'
import type { Product } from './support/product'
import { until } from './support/wait'

const RULES = `
[lottery]
subject = *lottery*, /prize \\d+/
action = quarantine

[tracker]
header.X-Tracker = *
action = drop

[boss]
from = boss@yours.example
attachment.name = *.exe
action = quarantine
`
const SAID = 'No rule can hold for it: it is passed over, without a log line for "accept"'

describe('mail that no rule about the header can hold for', function () {
  let product: Product
  let port: number
  let mails = 0

  before(async () => {
    ;({ product, port } = await startServed(RULES))
  })
  after(() => product?.stop())

  const sent = async (options: RelayOptions): Promise<SesMail> => {
    const { reply, mail } = await relay(product, options)
    assert.equal(reply.code, 250)
    mails += 1
    return mail
  }

  const values = async (name: string): Promise<{ labels: Record<string, string>; value: number }[]> => {
    const { text } = await askHttp(port, '/metrics', { authorization: `Bearer ${TOKEN}` })
    const family = readOpenMetrics(text).find(one => one.name === `ses_bounce_${name}`)
    return (family?.samples ?? []).map(({ labels, value }) => ({ labels, value }))
  }

  const inspected = () =>
    until(async () => (await values('mails_inspected'))[0]?.value === mails, {
      what: `${mails} inspected mails`,
    })

  const explained = async (mail: SesMail): Promise<string> => {
    const file = path.join(product.haraka.dir, 'mail.eml')
    writeFileSync(file, mail.data)
    const { code, lines, errors } = await sesBounce(product, 'explain', file)
    assert.equal(code, 0, errors.join('\n'))
    return lines.join('\n')
  }

  const unlike: Record<string, RelayOptions> = {
    'an everyday subject': { headers: { Subject: 'Minutes of the meeting' } },
    'an encoded subject': { headers: { Subject: '=?utf-8?q?Gr=C3=BC=C3=9Fe?=' } },
    'no subject and another header field': { headers: { Subject: '', 'X-Tracke': 'near' } },
    'a word of a rule in the text only': { body: 'lottery, prize 15, X-Tracker: yes' },
  }
  for (const [what, options] of Object.entries(unlike))
    it(`is delivered without a line in the log, and counted: ${what}`, async () => {
      const mail = await sent(options)
      await inspected()
      assert.equal(deliveredOf(product, mail).length, 1)
      assert.equal(noted(product.haraka).at(-1)?.decisions, undefined)
      assert.deepEqual(linesOf(product, mail), [])
    })

  it('makes no decision in the metrics', async () => {
    assert.equal(
      (await values('decisions')).reduce((sum, { value }) => sum + value, 0),
      0,
    )
  })

  const alike: Record<string, RelayOptions> = {
    'its word': { headers: { Subject: 'You won the LOTTERY' } },
    'its word in encoded words': { headers: { Subject: '=?utf-8?b?bG90?= =?utf-8?q?tery?=' } },
    'its word with a letter of another script': { headers: { Subject: '=?utf-8?q?l=D0=BEttery?=' } },
    'its word with a character that nobody sees': { headers: { Subject: '=?utf-8?q?lot=C2=ADtery?=' } },
    'its word in full-width letters': { headers: { Subject: 'ｌｏｔｔｅｒｙ' } },
    'what its expression finds': { headers: { Subject: 'Prize 15' } },
  }
  for (const [what, options] of Object.entries(alike))
    it(`is other mail than one with ${what} in its subject: the rule decides, and the log says so`, async () => {
      const mail = await sent(options)
      await inspected()
      assert.deepEqual(deliveredOf(product, mail), [])
      assert.equal(keptOf(product, mail).length, 1)
      assert.match(linesOf(product, mail).join('\n'), /rule=lottery action=quarantine/)
    })

  it('is other mail than one whose header matches where another condition does not', async () => {
    const mail = await sent({ headers: { From: 'boss@yours.example' } })
    await inspected()
    assert.equal(deliveredOf(product, mail).length, 1)
    assert.match(linesOf(product, mail).join('\n'), /action=accept/)
  })

  it('is named as such by explain, and no other mail is', async () => {
    assert.ok((await explained(await sent({ headers: { Subject: 'Minutes' } }))).includes(SAID))
    assert.ok(!(await explained(await sent({ headers: { From: 'boss@yours.example' } }))).includes(SAID))
  })
})

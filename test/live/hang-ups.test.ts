import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import type { SesMail } from './support/mail'
import { type HangUp, openSession, sendMailAndHangUp } from './support/smtp'
import { FROM, strictProduct, TO } from './support/strict'
import { onlyJob, reasonsHeld } from './support/unharmed'
import { until } from './support/wait'

const RULES = `
[keep]
recipient = keep@yours.example
action = quarantine
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

describe('a sender that hangs up', function () {
  const strict = strictProduct(RULES, {
    plugins: ['slow', 'ses-bounce', 'accept_all', 'capture'],
    files: { 'plugins/slow.js': SLOW_PLUGIN },
  })
  const { send, genuine } = strict

  it('in the middle of it: nothing is queued', async () => {
    const mail = genuine()
    await sendAndHangUp(mail, 'in-data')
    assert.deepEqual(strict.product.jobs({ sesId: mail.sesId }), [])
  })

  it('right after it: it is added once, however often it is delivered again', async () => {
    for (let round = 0; round < 5; round++) {
      const mail = genuine()
      await sendAndHangUp(mail, 'after-data')
      assert.match(await send(mail.data), /^250 Message accepted by policy/)
      assert.match(await send(mail.data), /^250 Message accepted by policy/)
      assert.equal(onlyJob(strict.product, mail.sesId).recipients.length, 1)
    }
  })

  it('while other plugins decide: nothing is queued', async () => {
    const mail = genuine({ headers: { Subject: 'slow decision' } })
    await hangUpAt('deciding slowly', mail, TO)
    assert.deepEqual(strict.product.jobs({ sesId: mail.sesId }), [])
  })

  it('while it is written to the quarantine: it is kept once, however often it is delivered again', async () => {
    const mail = genuine({ recipient: 'keep@yours.example', headers: { Subject: 'slow write' } })
    await hangUpAt('writing slowly', mail, 'keep@yours.example')
    const again = mail.data.toString().replace('slow write', 'fast write')
    assert.match(await send(again, 'keep@yours.example'), /^250 Message accepted by policy/)
    assert.match(await send(again, 'keep@yours.example'), /^250 Message accepted by policy/)
    assert.deepEqual(reasonsHeld(strict.product, mail.sesId), ['by the rule'])
    const folder = path.join(strict.product.haraka.dir, 'ses-bounce', 'quarantine')
    await until(() => readdirSync(folder).every(name => !name.startsWith('.')), { what: 'a tidy folder' })
  })

  async function sendAndHangUp({ sesId, data }: SesMail, when: HangUp): Promise<void> {
    const { port } = strict.product.haraka
    await sendMailAndHangUp({ port, helo: sesId, from: FROM, to: [TO], data, when })
    await untilNoticed(sesId)
  }

  async function hangUpAt(logged: string, { sesId, data }: SesMail, to: string): Promise<void> {
    const { haraka } = strict.product
    const going = await openSession({ port: haraka.port, helo: sesId })
    const answered = going.mail({ from: FROM, to: [to], data })
    const cutOff = assert.rejects(answered, /the connection is closed/)
    await haraka.waitForLog(logged)
    going.destroy()
    await cutOff
    await untilNoticed(sesId)
  }

  /** Until Haraka knows that the session with that HELO is over. */
  async function untilNoticed(helo: string): Promise<void> {
    await strict.product.haraka.waitForLog(new RegExp(` disconnect .*helo=${helo} `))
  }
})

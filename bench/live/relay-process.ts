// A relay, in a process of its own so that what it costs is counted with nobody: told by messages what to send.
// It keeps its connections, as relays do. The first reply that isn't 250 ends an order with an error.

import { setTimeout as pause } from 'node:timers/promises'
import { openSession, replyText, type SmtpSession } from '../../test/live/support/smtp'
import { type Sample, textSample } from '../samples'
import type { Order, Report } from './relay'

/** In one order all mails differ up to here. */
const MOST_MAILS = 1000

let mails: Sample[] = []

async function carryOut({ port, count, connections, mailsEach, everyMs }: Order): Promise<void> {
  const receivedAt = new Date()
  if (everyMs > 0 || mails.length === 0)
    mails = Array.from({ length: Math.min(count, MOST_MAILS) }, (_, seed) => textSample(seed, { receivedAt }))
  let next = 0
  const session = async () => {
    while (next < count) {
      const open = await openSession({ port })
      try {
        for (let sent = 0; sent < mailsEach && next < count; sent++) {
          await send(open, mails[next++ % mails.length])
          if (everyMs > 0) await pause(everyMs * connections)
        }
        await open.quit()
      } finally {
        open.destroy()
      }
    }
  }
  await Promise.all(Array.from({ length: connections }, session))
}

async function send(session: SmtpSession, mail: Sample | undefined): Promise<void> {
  if (mail === undefined) throw new Error('there is no mail to send')
  const { sender, recipients } = mail.envelope
  const { reply } = await session.mail({
    from: sender,
    to: recipients.map(({ address }) => address),
    data: mail.raw,
    raw: true,
  })
  if (reply.code !== 250) throw new Error(`a mail got ${replyText(reply)}`)
}

process.on('message', (order: Order) => {
  const answer = (report: Report) => process.send?.(report)
  carryOut(order).then(
    () => answer({ fault: undefined }),
    (error: unknown) => answer({ fault: String(error) }),
  )
})
process.once('disconnect', () => process.exit())

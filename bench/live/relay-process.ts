// A relay in its own process, so that its cost isn't measured. Messages tell it what to send.
// It keeps its connections, and sends mail again after a temporary refusal. A mail that is refused permanently, or too
// often, ends a task with an error.

import { setTimeout as pause } from 'node:timers/promises'
import { openSession, replyText, type SmtpSession } from '../../test/live/support/smtp'
import { type Sample, textSample } from '../samples'
import type { Report, SendTask } from './relay'

/** The number of different mails in one task. */
const MOST_MAILS = 1000

const MOST_TIMES = 5
const AGAIN_MS = 500

let mails: Sample[] = []
let again = 0
let tookMs: number[] = []

async function sendMails({ port, count, connections, mailsEach, everyMs }: SendTask): Promise<void> {
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
  const from = mail.envelope.sender
  const to = mail.envelope.recipients.map(({ address }) => address)
  for (let time = 1; ; time++) {
    const startedMs = performance.now()
    const { reply } = await session.mail({ from, to, data: mail.raw, raw: true })
    if (reply.code === 250) {
      tookMs.push(performance.now() - startedMs)
      return
    }
    if (reply.code >= 500 || time >= MOST_TIMES) throw new Error(`a mail got ${replyText(reply)}`)
    again++
    await pause(AGAIN_MS)
  }
}

process.on('message', (task: SendTask) => {
  const answer = (fault?: string) => {
    const slowMs = tookMs.toSorted((a, b) => a - b)[Math.floor(tookMs.length * 0.99)] ?? 0
    const report: Report = { fault, again, slowMs }
    process.send?.(report)
  }
  again = 0
  tookMs = []
  sendMails(task).then(
    () => answer(),
    (error: unknown) => answer(String(error)),
  )
})
process.once('disconnect', () => process.exit())

// Delivers one mail to Haraka by SMTP, with a release token. If a recipient is refused, the mail isn't sent.
// Returns the text of a refusal. If the connection breaks after the mail was sent, the outcome isn't known.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { Endpoint } from './endpoint'
import { RELEASE_COMMAND } from './release-token'

export interface HandedBack {
  from: string
  to: readonly string[]
  /** With CRLF, dots not stuffed. Only read once all recipients are accepted, and ended in any case. */
  raw: Readable
  token: string
}

/** Longer than Haraka gives a plugin. */
const TIMEOUT_MS = 60_000

/** readline passes on the socket's error, which the socket itself has said by then. */
const ENDED = { value: '', done: true }

/** Undefined: Haraka has accepted it. Else the reason. Rejects if the raw mail can't be read; then it was not accepted. */
export async function handBack(endpoint: Endpoint, mail: HandedBack): Promise<string | undefined> {
  const socket = connect(endpoint)
  let broken = 'the connection was closed'
  socket.on('error', error => {
    broken = error.message
  })
  // its file is opened by now, and may be gone: an error that nobody hears would end the process
  mail.raw.on('error', () => undefined)
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('no answer')))
  const replies = createInterface({ input: socket })[Symbol.asyncIterator]()
  let sent = ''
  /** Returns the answer if it isn't positive. */
  const refusal = async (command: string, positive: '2' | '3') => {
    if (command !== '') socket.write(`${command}\r\n`)
    for (;;) {
      const { value, done } = await replies.next().catch(() => ENDED)
      if (done) return `${broken}${sent}`
      // RFC 5321 section 4.2.1: a hyphen after the code means that more lines follow
      if (/^\d{3}(?: |$)/.test(value)) return value.startsWith(positive) ? undefined : value
    }
  }
  try {
    const faulty = [mail.from, ...mail.to].find(address => /[\r\n<>]/.test(address))
    if (faulty !== undefined) return `${JSON.stringify(faulty)} can't be in an envelope`
    for (const command of [
      '',
      'EHLO localhost',
      `${RELEASE_COMMAND} ${mail.token}`,
      `MAIL FROM:<${mail.from}>`,
      ...mail.to.map(address => `RCPT TO:<${address}>`),
    ]) {
      const why = await refusal(command, '2')
      if (why !== undefined) return why
    }
    if (mail.raw.errored !== null) throw mail.raw.errored
    const why = await refusal('DATA', '3')
    if (why !== undefined) return why
    sent = ' before an answer came; it may have been accepted'
    await sendData(socket, mail.raw)
    return await refusal('.', '2')
  } finally {
    mail.raw.destroy()
    socket.end('QUIT\r\n')
    socket.destroySoon()
  }
}

/** RFC 5321 section 4.5.2: a line that begins with a dot gets another one. The end is always that of a line. */
async function sendData(socket: Socket, raw: Readable): Promise<void> {
  let atStart = true
  let last = ''
  for await (const chunk of raw.setEncoding('latin1')) {
    const text = String(chunk)
    const stuffed = text.replace(/\n\./g, '\n..')
    // a line may end with the piece before
    const whole = atStart && text.startsWith('.') ? `.${stuffed}` : stuffed
    atStart = text.endsWith('\n')
    last = `${last}${text}`.slice(-2)
    if (!socket.write(whole, 'latin1') && !socket.destroyed)
      await Promise.race([once(socket, 'drain'), once(socket, 'close')])
  }
  if (last !== '\r\n') socket.write('\r\n')
}

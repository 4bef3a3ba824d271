// Hands one mail to Haraka as a relay does.
// A refusal is a reply like any other; only a broken connection rejects.

import { connect } from 'node:net'
import { createInterface } from 'node:readline'

export interface Handed {
  /** Without angle brackets; '' is the null sender. */
  from: string
  to: readonly string[]
  /** With CRLF. */
  data: string
}

export interface Reply {
  code: number
  /** The last line, without its code. */
  text: string
}

/** Whether an SMTP server is there that takes mail now. */
export function greets(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port })
    const answer = (isUp: boolean) => {
      socket.destroy()
      resolve(isUp)
    }
    socket.once('error', () => answer(false))
    socket.once('close', () => answer(false))
    socket.once('data', greeting => answer(greeting.toString('latin1').startsWith('220')))
  })
}

const TIMEOUT_MS = 15_000

/** Resolves with the reply that decided. */
export async function handOver(port: number, { from, to, data }: Handed): Promise<Reply> {
  const socket = connect({ host: '127.0.0.1', port })
  let why = 'it hung up'
  socket.on('error', error => {
    why = error.message
  })
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('no reply')))
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]()
  const say = (text: string) => {
    socket.write(text)
    return reply()
  }
  const reply = async (): Promise<Reply> => {
    for (;;) {
      const { value, done } = await lines.next()
      if (done) throw new Error(`Haraka at port ${port}: ${why}`)
      // RFC 5321 section 4.2.1: a hyphen behind the code says that more lines follow
      const [, code, text] = /^(\d{3})(?: (.*))?$/.exec(value) ?? []
      if (code !== undefined) return { code: Number(code), text: text ?? '' }
    }
  }
  try {
    const commands = [`MAIL FROM:<${from}>`, ...to.map(address => `RCPT TO:<${address}>`), 'DATA']
    let last = await reply()
    for (const command of ['EHLO relay.example.com', ...commands]) {
      if (last.code >= 400) return last
      last = await say(`${command}\r\n`)
    }
    if (last.code !== 354) return last
    // RFC 5321 section 4.5.2
    last = await say(`${data.replace(/^\./gm, '..')}.\r\n`)
    socket.end('QUIT\r\n')
    return last
  } finally {
    socket.destroySoon()
  }
}

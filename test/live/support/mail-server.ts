// A real SMTP or LMTP server behind Haraka, which refuses what a test wants refused, and notes what it accepts.

import { createServer, type Server, type Socket } from 'node:net'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { atEnd } from './cleanup'

/** A reply with its code: `550 5.1.1 No such user`. Undefined: the server accepts. */
export type Refusing = (address: string, session: Session) => string | undefined

/** The recipients that came on one connection. */
export interface Session {
  /** Where its RCPT TO stand: refused ones too. */
  recipients: string[]
}

export interface MailServerOptions {
  lmtp?: boolean
  /** 0: any. */
  port?: number
  /** The server wants this login before it takes mail. */
  login?: { user: string; password: string }
  mail?: Refusing
  rcpt?: Refusing
  /** At the dot, for the whole mail; LMTP: for each recipient. */
  dot?: Refusing
}

export interface ReceivedMail {
  from: string
  to: string[]
  data: string
}

export interface MailServer {
  port: number
  /** The mails that the server has accepted, oldest first; LMTP: for those recipients. */
  accepted: ReceivedMail[]
  /** How many MAIL FROM there were. */
  tries: () => number
  close(): Promise<void>
}

export async function startMailServer(options: MailServerOptions = {}): Promise<MailServer> {
  const accepted: ReceivedMail[] = []
  let tries = 0
  const sessionOf = (envelope: { rcptTo: { address: string }[] }): Session => ({
    recipients: envelope.rcptTo.map(({ address }) => address),
  })
  const server = new SMTPServer({
    lmtp: options.lmtp ?? false,
    disabledCommands: options.login ? ['STARTTLS'] : ['AUTH', 'STARTTLS'],
    authOptional: options.login === undefined,
    allowInsecureAuth: true,
    onAuth: ({ username = '', password }, _session, done) => {
      const { login } = options
      if (username === login?.user && password === login.password) done(null, { user: username })
      else done(errorOf('535 5.7.8 Wrong password'))
    },
    disableReverseLookup: true,
    // the test's own replies hold them
    hideENHANCEDSTATUSCODES: true,
    logger: false,
    onMailFrom: ({ address }, { envelope }, done) => {
      tries++
      done(errorOf(options.mail?.(address, sessionOf(envelope))))
    },
    onRcptTo: ({ address }, { envelope }, done) =>
      done(errorOf(options.rcpt?.(address, sessionOf(envelope)))),
    onData: (stream, { envelope }, done) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const session = sessionOf(envelope)
        const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address
        const data = Buffer.concat(chunks).toString('latin1')
        const refusals = session.recipients.map(address => options.dot?.(address, session))
        const to = session.recipients.filter((_, index) => refusals[index] === undefined)
        if (options.lmtp) {
          if (to.length > 0) accepted.push({ from, to, data })
          // smtp-server: in LMTP one answer for each recipient
          done(null, refusals.map(refusal => errorOf(refusal) ?? 'Delivered') as never)
          return
        }
        const refusal = refusals.find(text => text !== undefined)
        if (refusal === undefined) accepted.push({ from, to: session.recipients, data })
        done(errorOf(refusal))
      })
    },
  } satisfies SMTPServerOptions)
  // Haraka hangs up when it likes
  server.on('error', () => undefined)
  await new Promise<void>(resolve => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  const close = () => new Promise<void>(resolve => server.close(() => resolve()))
  const forget = atEnd(() => void close())
  return {
    port: portOf(server.server),
    accepted,
    tries: () => tries,
    close: () => {
      forget()
      return close()
    },
  }
}

/** Says a line to each connection or command: for what a real server refuses before it has heard of a mail. */
export async function startTalkingServer(
  answer: (command: string) => string,
): Promise<Pick<MailServer, 'port' | 'close'> & { heard: string[] }> {
  const heard: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    let rest = ''
    sockets.add(socket.once('close', () => sockets.delete(socket)))
    socket.on('error', () => undefined)
    const say = (command: string) => socket.write(`${answer(command)}\r\n`)
    say('greeting')
    socket.setEncoding('latin1').on('data', (text: string) => {
      const lines = (rest + text).split('\r\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        heard.push(line)
        const command = line.split(' ', 1)[0]?.toUpperCase() ?? ''
        if (command === 'QUIT') socket.end('221 bye\r\n')
        else say(command)
      }
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const forget = atEnd(() => void server.close())
  return {
    port: portOf(server),
    heard,
    close: async () => {
      forget()
      const closed = new Promise(resolve => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

function portOf(server: Server): number {
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port')
  return address.port
}

function errorOf(reply: string | undefined): Error | undefined {
  if (reply === undefined) return undefined
  const [, code, text] = /^(\d{3}) (.*)$/s.exec(reply) ?? []
  return Object.assign(new Error(text ?? reply), { responseCode: Number(code) })
}

// An SMTP client that says exactly what a test wants said, and hangs up when told to.
// Every wait has an end; what fails says what had come from the server till then.

import { connect, type Socket } from 'node:net'
import { PATIENCE_MS } from './wait'

export interface SmtpReply {
  code: number
  /** Lines without their codes, joined with LF. */
  text: string
}

export interface ConnectOptions {
  port: number
  /** Where to come from: on Linux any address of 127/8. */
  localAddress?: string
  helo?: string
  /** For each reply. */
  timeoutMs?: number
}

export interface MailOptions {
  /** Without angle brackets; '' is the null sender. */
  from: string
  to: readonly string[]
  /** Dots are stuffed. Lines are sent with CRLF, unless `raw`. */
  data: Buffer | string
  /** Leave CR and LF alone. If no CRLF ends the mail, one is added all the same. */
  raw?: boolean
  /** A command before MAIL. */
  before?: string
  /** `NOTIFY=NEVER`: for all recipients, or by address. */
  rcptParams?: string | Readonly<Record<string, string>>
}

export interface MailResult {
  mailReply: SmtpReply
  rcptReplies: SmtpReply[]
  /** The one that decided: to the mail, or the refusal that kept it from being sent. */
  reply: SmtpReply
}

/** in-data: with half of the mail sent. after-data: with all of it sent, and the answer not awaited. */
export type HangUp = 'in-data' | 'after-data'

/** One mail over a connection of its own. Replies are results whatever their code; only a broken connection rejects. */
export async function sendMail(options: ConnectOptions & MailOptions): Promise<MailResult> {
  const session = await openSession(options)
  try {
    const result = await session.mail(options)
    await session.quit()
    return result
  } finally {
    session.destroy()
  }
}

/** Hangs up on a mail that the server was ready to take; resolves when the connection is closed at our end. */
export async function sendMailAndHangUp(
  options: ConnectOptions & MailOptions & { when: HangUp },
): Promise<void> {
  const session = await openSession(options)
  try {
    await session.mailAndHangUp(options, options.when)
  } finally {
    session.destroy()
  }
}

/** Connects and says EHLO. Rejects unless both are answered with 2xx. */
export async function openSession(options: ConnectOptions): Promise<SmtpSession> {
  const { port, localAddress, helo = 'relay.yours.example', timeoutMs = PATIENCE_MS } = options
  const socket = connect({ host: '127.0.0.1', port, ...(localAddress === undefined ? {} : { localAddress }) })
  const session = new SmtpSession(socket, timeoutMs)
  try {
    expectPositive('the greeting', await session.reply())
    expectPositive('EHLO', await session.command(`EHLO ${helo}`))
    return session
  } catch (error) {
    session.destroy()
    throw error
  }
}

export class SmtpSession {
  readonly #socket: Socket
  readonly #timeoutMs: number
  readonly #replies: SmtpReply[] = []
  /** No transaction is open at the server. */
  #isFresh = true
  #received = ''
  #parsedTo = 0
  #ended: string | undefined
  #wake: (() => void) | undefined

  constructor(socket: Socket, timeoutMs: number) {
    this.#socket = socket
    this.#timeoutMs = timeoutMs
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      this.#received += chunk
      this.#parse()
      this.#wake?.()
    })
    socket.on('error', error => this.#end(error.message))
    socket.on('close', () => this.#end('the connection is closed'))
  }

  /** The next reply that hasn't been read yet. */
  async reply(): Promise<SmtpReply> {
    const timer = setTimeout(() => this.#end(`no reply within ${this.#timeoutMs} ms`), this.#timeoutMs)
    try {
      while (true) {
        const reply = this.#replies.shift()
        if (reply !== undefined) return reply
        if (this.#ended !== undefined) {
          throw new Error(`SMTP: ${this.#ended}; received so far: ${JSON.stringify(this.#received)}`)
        }
        await new Promise<void>(resolve => {
          this.#wake = resolve
        })
      }
    } finally {
      clearTimeout(timer)
    }
  }

  /** Sends the line as it stands, with CRLF. */
  command(line: string): Promise<SmtpReply> {
    this.#socket.write(`${line}\r\n`)
    return this.reply()
  }

  async mail(options: MailOptions): Promise<MailResult> {
    const begun = await this.#begin(options)
    if (begun.reply.code !== 354) return begun
    this.#socket.write(wireData(options))
    const reply = await this.reply()
    this.#isFresh = true
    return { ...begun, reply }
  }

  /** Rejects when the server refuses before the mail can be sent. */
  async mailAndHangUp(options: MailOptions, when: HangUp): Promise<void> {
    const { reply } = await this.#begin(options)
    if (reply.code !== 354) throw new Error(`SMTP: refused before the mail was sent: ${replyText(reply)}`)
    const wire = wireData(options)
    const part = when === 'in-data' ? wire.subarray(0, Math.floor(wire.length / 2)) : wire
    await new Promise<void>((resolve, reject) => {
      this.#socket.write(part, error => (error ? reject(error) : resolve()))
    })
    this.destroy()
  }

  /** Resolves even when the server has hung up already. */
  async quit(): Promise<void> {
    await this.command('QUIT').catch(() => {})
    this.destroy()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** MAIL, every RCPT and, if any was taken, DATA. */
  async #begin({ from, to, before, rcptParams }: MailOptions): Promise<MailResult> {
    if (!this.#isFresh) await this.command('RSET')
    this.#isFresh = false
    const rcptReplies: SmtpReply[] = []
    const said = before === undefined ? undefined : await this.command(before)
    if (said !== undefined && !isPositive(said)) return { mailReply: said, rcptReplies, reply: said }
    const mailReply = await this.command(`MAIL FROM:<${from}>`)
    if (!isPositive(mailReply)) return { mailReply, rcptReplies, reply: mailReply }
    for (const address of to) {
      const params = typeof rcptParams === 'string' ? rcptParams : rcptParams?.[address]
      rcptReplies.push(await this.command(withParams(`RCPT TO:<${address}>`, params)))
    }
    const refused = rcptReplies.at(-1)
    const reply =
      refused !== undefined && !rcptReplies.some(isPositive) ? refused : await this.command('DATA')
    return { mailReply, rcptReplies, reply }
  }

  #parse(): void {
    // RFC 5321 section 4.2.1: the last line of a reply has a blank behind its code, the others a hyphen
    while (true) {
      const rest = this.#received.slice(this.#parsedTo)
      const last = /^\d{3}(?: .*)?\r\n/m.exec(rest)
      if (last === null) return
      const whole = rest.slice(0, last.index + last[0].length)
      this.#parsedTo += whole.length
      const lines = whole.trimEnd().split('\r\n')
      this.#replies.push({
        code: Number(last[0].slice(0, 3)),
        text: lines.map(line => line.slice(4)).join('\n'),
      })
    }
  }

  #end(why: string): void {
    this.#ended ??= why
    this.#wake?.()
  }
}

export function replyText({ code, text }: SmtpReply): string {
  return `${code} ${text}`
}

/** RFC 5321 section 4.5.2: a line that starts with a dot gets another one; a lone dot ends the mail. */
function wireData({ data, raw }: MailOptions): Buffer {
  // latin1 keeps every byte
  const text = Buffer.from(data).toString('latin1')
  const lines = raw ? text : text.replace(/\r\n|\r|\n/g, '\r\n')
  const ended = lines.endsWith('\r\n') ? lines : `${lines}\r\n`
  return Buffer.from(`${ended.replace(/(^|\r\n)\./g, '$1..')}.\r\n`, 'latin1')
}

function withParams(command: string, params: string | undefined): string {
  return params === undefined ? command : `${command} ${params}`
}

function isPositive({ code }: SmtpReply): boolean {
  return code >= 200 && code < 300
}

function expectPositive(what: string, reply: SmtpReply): void {
  if (!isPositive(reply)) throw new Error(`SMTP: ${what}: ${replyText(reply)}`)
}

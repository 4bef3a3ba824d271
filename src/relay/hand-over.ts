// Hands a mail to Haraka in one SMTP transaction, with SES's envelope. Never rejects: a fault is a reply for all
// recipients. Connections are kept for the next mail.

import { isIP } from 'node:net'
import SMTPConnection from 'nodemailer/lib/smtp-connection'
import type { SqsRelay } from '../config/settings'
import { asError } from '../errors'
import type { RecipientReply } from './outcome'

export interface MailToHandOver {
  sender: string
  recipients: readonly string[]
  raw: Buffer
}

export interface HandOver {
  send(mail: MailToHandOver): Promise<RecipientReply[]>
  close(): void
}

const CONNECT_MS = 30_000
/** RFC 5321 section 4.5.3.2.6: ten minutes for the answer to the final dot. */
const ANSWER_MS = 600_000
/** A server closes an idle connection after some minutes. */
const KEPT_MS = 20_000

export function openHandOver({ smtp, login, tls }: Pick<SqsRelay, 'smtp' | 'login' | 'tls'>): HandOver {
  const free: { connection: SMTPConnection; sinceMs: number }[] = []

  async function connect(): Promise<SMTPConnection> {
    const isLoopback = smtp.host === 'localhost' || smtp.host === '::1' || smtp.host.startsWith('127.')
    const connection = new SMTPConnection({
      host: smtp.host,
      port: smtp.port,
      secure: false,
      requireTLS: tls === 'required',
      ignoreTLS: tls === 'off',
      connectionTimeout: CONNECT_MS,
      greetingTimeout: CONNECT_MS,
      socketTimeout: ANSWER_MS,
      // the certificate of a Haraka on this host is made by itself
      tls: {
        rejectUnauthorized: !(isLoopback && tls === 'auto'),
        ...(isIP(smtp.host) === 0 && { servername: smtp.host }),
      },
    })
    await new Promise<void>((resolve, reject) => {
      connection.once('error', reject)
      connection.connect(error => (error ? reject(error) : resolve()))
    })
    // an error while it is kept only means that it can't be used again
    connection.on('error', () => forget(connection))
    connection.on('end', () => forget(connection))
    if (login !== undefined)
      await new Promise<void>((resolve, reject) =>
        connection.login({ user: login.user, pass: login.password }, error =>
          error ? reject(error) : resolve(),
        ),
      )
    return connection
  }

  function forget(connection: SMTPConnection): void {
    const at = free.findIndex(one => one.connection === connection)
    if (at >= 0) free.splice(at, 1)
    connection.close()
  }

  async function kept(): Promise<SMTPConnection> {
    for (;;) {
      const one = free.pop()
      if (one === undefined) return connect()
      if (performance.now() - one.sinceMs < KEPT_MS && (await isReset(one.connection))) return one.connection
      one.connection.close()
    }
  }

  return {
    async send({ sender, recipients, raw }) {
      let connection: SMTPConnection | undefined
      try {
        connection = await kept()
        const replies = await transact(connection, { sender, recipients, raw })
        free.push({ connection, sinceMs: performance.now() })
        return replies
      } catch (error) {
        connection?.close()
        return repliesOfFault(error, recipients)
      }
    },
    close() {
      for (const { connection } of free.splice(0)) connection.quit()
    },
  }
}

function isReset(connection: SMTPConnection): Promise<boolean> {
  return new Promise(resolve => connection.reset(error => resolve(!error)))
}

function transact(
  connection: SMTPConnection,
  { sender, recipients, raw }: MailToHandOver,
): Promise<RecipientReply[]> {
  const is8Bit = raw.some(byte => byte > 0x7f)
  const envelope = {
    from: sender === '' ? (false as const) : sender,
    to: [...recipients],
    size: raw.length,
    use8BitMime: is8Bit,
  }
  return new Promise((resolve, reject) => {
    connection.send(envelope, raw, (error, info) => {
      if (error) {
        reject(error)
        return
      }
      const refusals = info?.rejectedErrors ?? []
      const refusalOf = (recipient: string) => refusals.find(one => one.recipient === recipient)
      resolve(
        recipients.map(recipient => {
          const refusal = refusalOf(recipient)
          if (refusal)
            return { recipient, code: refusal.responseCode ?? 0, text: refusal.response ?? refusal.message }
          const wasAccepted = info?.accepted.includes(recipient) ?? false
          return wasAccepted
            ? { recipient, code: 250, text: info?.response ?? '' }
            : { recipient, code: 0, text: 'no reply for this recipient' }
        }),
      )
    })
  })
}

/** Each recipient's own reply where there was one; the fault counts for all others. */
function repliesOfFault(error: unknown, recipients: readonly string[]): RecipientReply[] {
  const fault = asError(error) as Error & Partial<SmtpFault>
  return recipients.map(recipient => {
    const own = fault.rejectedErrors?.find(one => one.recipient === recipient)
    const { responseCode, response } = own ?? fault
    // nodemailer itself refuses an address that this server can't take (RFC 6531), or that no server can
    const code = responseCode ?? (fault.code === 'EENVELOPE' ? NO_SUCH_ADDRESS : 0)
    return { recipient, code, text: response ?? fault.message }
  })
}

/** RFC 5321 section 4.2.2: mailbox name not allowed. */
const NO_SUCH_ADDRESS = 553

interface SmtpFault {
  code: string
  responseCode: number
  response: string
  recipient: string
  rejectedErrors: (Error & Partial<SmtpFault>)[]
}

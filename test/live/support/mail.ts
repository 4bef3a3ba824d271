// Mail as SES hands it over, with a fresh id and date: made up here, or from a stored sample. Tests, demo and benchmarks
// share it. Nothing is checked, so that a test can write nonsense too.

import { randomBytes } from 'node:crypto'
import { type SesBlock, sesBlock, traceDate } from './ses-block'

/** `name: value` fields; a value may hold CRLF and a blank, which is a fold. */
export type HeaderFields = Readonly<Record<string, string>>

export interface PlainMailOptions {
  /** Added to, or in place of, the default From, To, Subject, Date, Message-ID, MIME-Version and Content-Type. */
  headers?: HeaderFields
  /** Default: a line of text. CRLF or LF. */
  body?: string
}

export interface SesMailOptions extends PlainMailOptions {
  form?: 'classic' | 'mail-manager'
  /** A later hop broke the lines of SES's fields anew. */
  refolded?: boolean
  /** Default: a new one of the usual form. */
  sesId?: string
  region?: string
  /** Default: now. */
  receivedAt?: Date
  /** MAIL FROM at SES, and From. '' is the null sender. */
  sender?: string
  /** RCPT TO at SES, and To. */
  recipient?: string
  /** Between angle brackets. Default: sender; null: no Return-Path. */
  returnPath?: string | null
  /** The mail's `for`. Default: recipient; null: none. */
  forRecipient?: string | null
  helo?: string
  clientName?: string
  clientIp?: string
  /** Classic only; null: scanning is off. */
  spam?: string | null
  virus?: string | null
  /** `pass`, `fail`, ...; null: SES wrote no result. */
  spf?: string | null
  /** In the comment of SPF: the domain whose record it was. */
  spfDomain?: string
  dkim?: readonly { result: string; domain: string }[]
  dmarc?: { result: string; domain: string } | null
  /** Classic only: X-SES-RECEIPT and the signature. */
  receiptHeader?: boolean
  /** Header fields above SES's block, the topmost first: later hops. */
  extraTop?: readonly string[]
  /** Header fields right below SES's block: what the sender wrote on top. */
  extraBelowBlock?: readonly string[]
}

export interface SesMail {
  data: Buffer
  sesId: string
  receivedAt: Date
  /** The address in SES's Return-Path; '' is the null sender; undefined: the mail has none. */
  sender: string | undefined
  /** The address behind SES's `for`; undefined: it names none. */
  recipient: string | undefined
}

/** By default: an authenticated sender at origin.example, to user@yours.example, received just now. */
export function sesMail(options: SesMailOptions = {}): SesMail {
  const block = withDefaults(options)
  const { sender, recipient, sesId, receivedAt } = block
  const plain = plainMail({
    ...options,
    headers: {
      From: sender === '' ? `MAILER-DAEMON@${block.helo}` : sender,
      To: recipient,
      Date: traceDate(receivedAt).replace(' (UTC)', ''),
      ...options.headers,
    },
  })
  const fields = [...(options.extraTop ?? []), ...sesBlock(block), ...(options.extraBelowBlock ?? [])]
  return {
    data: Buffer.concat([Buffer.from(fields.map(field => `${field}\r\n`).join('')), plain]),
    sesId,
    receivedAt,
    sender: block.returnPath ?? undefined,
    recipient: block.forRecipient ?? undefined,
  }
}

/** A mail that SES hasn't seen. */
export function plainMail({ headers = {}, body = 'Hello from a test.' }: PlainMailOptions = {}): Buffer {
  const fields = {
    From: 'someone@origin.example',
    To: 'user@yours.example',
    Subject: 'A test',
    Date: traceDate(new Date()).replace(' (UTC)', ''),
    'Message-ID': `<${randomBytes(8).toString('hex')}@origin.example>`,
    'MIME-Version': '1.0',
    'Content-Type': 'text/plain; charset=utf-8',
    ...headers,
  }
  const header = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`${header.join('')}\r\n${body.replace(/\r?\n/g, '\r\n')}\r\n`)
}

/** A Received field as a relay behind SES writes it, for `extraTop`. */
export function relayHop({
  by = 'relay.yours.example',
  at = new Date(),
}: {
  by?: string
  at?: Date
} = {}): string {
  const id = randomBytes(5).toString('hex').toUpperCase()
  return `Received: from lambda.local (lambda.local [192.0.2.99])\r\n\tby ${by} (Postfix) with ESMTP id ${id};\r\n\t${traceDate(at)}`
}

/** An id of the form that 45 of 48 real ones have. */
export function newSesId(): string {
  const digits = '0123456789abcdefghijklmnopqrstuv'
  const [last = 0, ...rest] = randomBytes(39)
  return `${rest.map(byte => digits.charAt(byte % 32)).join('')}${'08go'.charAt(last % 4)}1`
}

/** A stored sample, with another id and date in SES's own Received; the rest stays as it was. Throws without one. */
export function freshen(
  sample: string | Buffer,
  { sesId = newSesId(), receivedAt = new Date() }: { sesId?: string; receivedAt?: Date } = {},
): SesMail {
  const text = Buffer.from(sample).toString('latin1')
  const bodyAt = text.indexOf('\r\n\r\n')
  const fields = text.slice(0, bodyAt).split(/\r\n(?![ \t])/)
  const index = fields.findIndex(field => sesReceived.test(field))
  const received = fields[index]
  if (received === undefined) throw new Error('the sample has no Received of SES')
  fields[index] = received
    .replace(/(\sid\s+)\S+/, `$1${sesId}`)
    // what stands behind the last semicolon
    .replace(/;(\s*)[^;]*$/, `;$1${traceDate(receivedAt)}`)
  const returnPath = fields.map(field => /^Return-Path:\s*<(.*)>/i.exec(field)?.[1])
  return {
    data: Buffer.from(fields.join('\r\n') + text.slice(bodyAt), 'latin1'),
    sesId,
    receivedAt,
    sender: returnPath.find(value => value !== undefined),
    recipient: /\sfor\s+<?([^\s<>;]+)/.exec(received)?.[1],
  }
}

const sesReceived =
  /^Received:[^]*\sby\s+(?:inbound-smtp|[a-z]+\.mail-manager-smtp)\.[a-z0-9-]+\.amazonaws\.com\s/i

function withDefaults(options: SesMailOptions): SesBlock {
  const { sender = 'someone@origin.example', recipient = 'user@yours.example' } = options
  const helo = options.helo ?? 'mail.origin.example'
  const domain = sender === '' ? helo : sender.slice(sender.lastIndexOf('@') + 1)
  return {
    form: 'classic',
    refolded: false,
    sesId: newSesId(),
    region: 'eu-west-1',
    receivedAt: new Date(),
    returnPath: sender,
    forRecipient: recipient,
    clientName: helo,
    clientIp: '192.0.2.7',
    spam: 'PASS',
    virus: 'PASS',
    spf: 'pass',
    spfDomain: domain,
    dkim: [{ result: 'pass', domain }],
    dmarc: { result: 'pass', domain },
    receiptHeader: true,
    ...options,
    sender,
    recipient,
    helo,
  }
}

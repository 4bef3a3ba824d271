// Mail as SES hands it to a relay: SES's trace fields on top, the sender's mail below.
// Text only; nothing is checked, so that a forged block can be written as well.

import { randomInt } from 'node:crypto'

/** How SES's block looks by the time it comes here. `refolded`: later hops broke its lines anew. */
export type Form = 'classic' | 'mail-manager' | 'refolded'

export interface Trace {
  form: Form
  sesId: string
  region: string
  receivedAt: Date
  /** MAIL FROM at SES; '' is the null sender. */
  sender: string
  /** RCPT TO at SES. */
  recipient: string
  /** Whether SPF, DKIM and DMARC pass for the sender's domain. */
  proved: boolean
  spam: 'PASS' | 'FAIL'
}

/** An id of the form that SES gives. */
export function newSesId(): string {
  const digits = '0123456789abcdefghijklmnopqrstuv'
  const many = Array.from({ length: 38 }, () => digits.charAt(randomInt(32)))
  return `${many.join('')}${'08go'.charAt(randomInt(4))}1`
}

/** `Thu, 20 Feb 2025 12:38:04 +0000 (UTC)` */
export function traceDate(date: Date): string {
  return date.toUTCString().replace('GMT', '+0000 (UTC)')
}

/** `fields` and `body` are the sender's own. */
export function mailText(trace: Trace, fields: Readonly<Record<string, string>>, body: string): string {
  const own = Object.entries(fields).map(([name, value]) => `${name}: ${value}`)
  return `${[...traceFields(trace), ...own, '', ...body.split('\n')].join('\r\n')}\r\n`
}

function traceFields(trace: Trace): string[] {
  switch (trace.form) {
    case 'classic':
      return [
        ...receivedFields(trace),
        ...verdictFields(trace),
        ...resultFields(trace),
        ...closingFields(trace),
      ]
    case 'mail-manager':
      return [...resultFields(trace), ...mailManagerFields(trace)]
    case 'refolded':
      return [
        ...hopFields(trace),
        ...refolded([...receivedFields(trace), ...verdictFields(trace), ...resultFields(trace)]),
        ...closingFields(trace),
      ]
  }
}

function receivedFields(trace: Trace): string[] {
  const { sender, region, sesId, recipient, receivedAt } = trace
  return [
    `Return-Path: <${sender}>`,
    `${fromText(trace)}\r\n by inbound-smtp.${region}.amazonaws.com with SMTP id ${sesId}\r\n for ${recipient};\r\n ${traceDate(receivedAt)}`,
  ]
}

function mailManagerFields(trace: Trace): string[] {
  const { sender, region, sesId, recipient, receivedAt } = trace
  const by = `by open.mail-manager-smtp.${region}.amazonaws.com with ESMTPS id ${sesId}`
  const tls = '(version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384)'
  return [
    `Return-Path: <${sender}>`,
    `${fromText(trace)}\r\n ${by}\r\n ${tls}\r\n for <${recipient}>; ${traceDate(receivedAt)}`,
  ]
}

function fromText(trace: Trace): string {
  return `Received: from ${helo(trace)} (${helo(trace)} [192.0.2.25])`
}

function verdictFields({ spam }: Trace): string[] {
  return [`X-SES-Spam-Verdict: ${spam}`, 'X-SES-Virus-Verdict: PASS']
}

function resultFields(trace: Trace): string[] {
  const { proved, sender } = trace
  const domain = domainOf(trace)
  // for the null sender SES names postmaster at the HELO name
  const envelopeFrom = sender === '' ? `postmaster@${helo(trace)}` : sender
  const word = proved ? 'pass' : 'fail'
  const spf = `${word} (spfCheck: domain of ${domain}) client-ip=192.0.2.25; envelope-from=${envelopeFrom}; helo=${helo(trace)};`
  return [
    `Received-SPF: ${spf}`,
    [
      'Authentication-Results: amazonses.com;',
      `spf=${spf}`,
      ...(proved ? [`dkim=pass header.i=@${domain};`] : []),
      `dmarc=${word} header.from=${domain};`,
    ].join('\r\n '),
  ]
}

/** What SES closes its block with; of no meaning to anybody else. */
function closingFields({ receivedAt }: Trace): string[] {
  const seconds = Math.floor(receivedAt.getTime() / 1000)
  return [
    'X-SES-RECEIPT: AEFBQUFBQUFBQUFHaG80allDQUZGT1ZB',
    `X-SES-DKIM-SIGNATURE: a=rsa-sha256; q=dns/txt; b=MDEyMw==; c=relaxed/simple; s=xplzuhjr4seloozmmorg6obznvt7ijlt; d=amazonses.com; t=${seconds}; v=1; bh=MDEyMw==; h=From:To:Cc:Bcc:Subject:Date:Message-ID:MIME-Version:Content-Type:X-SES-RECEIPT;`,
  ]
}

function hopFields({ receivedAt }: Trace): string[] {
  const later = new Date(receivedAt.getTime() + 2000)
  return [
    `Received: from worker.internal (worker.internal [10.0.3.7])\r\n\tby relay.example.com (Postfix) with ESMTP id 4XbT2k1Qz9;\r\n\t${traceDate(later)}`,
  ]
}

/** With tabs, and a new line at places where SES has none. */
function refolded(fields: readonly string[]): string[] {
  return fields.map(field =>
    field
      .replaceAll(/\r\n /g, '\r\n\t')
      .replace(' with SMTP id ', '\r\n\twith SMTP id\r\n\t')
      .replace(' (mail.', '\r\n\t(mail.'),
  )
}

function domainOf({ sender }: Trace): string {
  return sender === '' ? 'origin.example' : sender.slice(sender.lastIndexOf('@') + 1)
}

function helo(trace: Trace): string {
  return `mail.${domainOf(trace)}`
}

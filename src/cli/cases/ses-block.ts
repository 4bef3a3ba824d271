// Makes the fields that SES writes at the top of a mail, in the classic form of real mail.
// Pure. The caller checks the values.

import { domainOf } from '../../mail/address'
import type { SesVerdicts } from '../../mail/facts'
import type { EpochMs } from '../../units'

export interface SesPart {
  /** The sender of record; '' is the null sender. */
  sender: string
  /** The recipient in SES's Received. */
  recipient: string
  region: string
  client: { ip: string; helo?: string; name?: string }
  /** In lower case; `none`: SES wrote nothing. */
  verdicts: SesVerdicts
  /** Undefined: always the same. */
  sesId?: string
}

/** An id in SES's form, always the same, so that test results don't change. */
const SES_ID = 'te5tca5e0000000000000000000000000000te01'

/** RFC 5322 section 3.3, as SES writes it: `Thu, 20 Feb 2025 12:38:04 +0000 (UTC)` */
export function traceDate(atMs: EpochMs): string {
  return new Date(atMs).toUTCString().replace('GMT', '+0000 (UTC)')
}

/** Header lines without their ends. Without a verdict of their own SPF, DKIM and DMARC are about the sender's domain. */
export function sesBlock(part: SesPart, receivedAtMs: EpochMs): string[] {
  const { sender, recipient, region, client, verdicts, sesId = SES_ID } = part
  const helo = client.helo ?? heloOf(sender)
  return [
    `Return-Path: <${sender}>`,
    `Received: from ${helo} (${client.name ?? helo} [${client.ip}])`,
    ` by inbound-smtp.${region}.amazonaws.com with SMTP id ${sesId}`,
    ` for ${recipient};`,
    ` ${traceDate(receivedAtMs)}`,
    ...field('X-SES-Spam-Verdict', verdicts.spam.toUpperCase()),
    ...field('X-SES-Virus-Verdict', verdicts.virus.toUpperCase()),
    ...authenticationFields(part, helo),
    'X-SES-RECEIPT: AEFBQUFBQUFBQUFHaG80allDQUZGT1ZB',
  ]
}

function field(name: string, word: string): string[] {
  return word === 'NONE' ? [] : [`${name}: ${word}`]
}

function authenticationFields({ sender, client, verdicts }: SesPart, helo: string): string[] {
  const domain = domainOf(sender) ?? helo
  // SES names postmaster at the HELO name for the null sender
  const envelopeFrom = sender === '' ? `postmaster@${helo}` : sender
  const spf = `${verdicts.spf} (spfCheck: domain of ${domain}) client-ip=${client.ip}; envelope-from=${envelopeFrom}; helo=${helo};`
  return [
    `Received-SPF: ${spf}`,
    'Authentication-Results: amazonses.com;',
    ` spf=${spf}`,
    ...(verdicts.dkim === 'none' ? [] : [` dkim=${verdicts.dkim} header.i=@${domain};`]),
    ...(verdicts.dmarc === 'none' ? [] : [` dmarc=${verdicts.dmarc} header.from=${domain};`]),
  ]
}

function heloOf(sender: string): string {
  return `mail.${domainOf(sender) ?? 'sender.example'}`
}

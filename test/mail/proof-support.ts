// A header as SES and a sender wrote it together, piece by piece, and what the plugin makes of it: facts and guard.

import { onWire, wireLimits } from '../../src/cli/explain/wire'
import type { AuthenticationLevel } from '../../src/config/settings'
import type { MailFacts } from '../../src/mail/facts'
import { readFacts } from '../../src/mail/read-facts'
import { guard } from '../../src/policy/guards'
import { SETTINGS } from '../policy/support'

export const SES_ID = '7k822gft4kqtq4dgji1sqdhnqgqnj9bsv76lqoo1'
export const FORGED_ID = `${'f'.repeat(38)}g1`
export const RECEIVED_AT_MS = Date.UTC(2025, 1, 20, 12, 38, 4)
export const LEVELS: readonly AuthenticationLevel[] = ['aligned', 'strict']
const DATE = 'Thu, 20 Feb 2025 12:38:04 +0000 (UTC)'

export interface Parts {
  form?: 'classic' | 'mail-manager'
  /** SES folds its lines in some regions, and in others not. */
  isFlat?: boolean
  /** MAIL FROM. */
  sender?: string
  recipient?: string
  helo?: string
  name?: string
  ip?: string
  spf?: string
  /** Comment of SPF. */
  comment?: string
  /** The address in the results; default: sender. */
  envelopeFrom?: string
  /** Behind SPF, each with its semicolon. */
  results?: readonly string[]
  spam?: string
  virus?: string
  /** Default: RECEIPT and SIGNATURE. */
  closing?: readonly string[]
  /** Fields of hops above SES's block. */
  above?: readonly string[]
  /** Raw lines of the sender. */
  own?: readonly string[]
  /** Changes the lines of SES's block. */
  edit?: (fields: string[]) => string[]
}

export const RECEIPT = 'X-SES-RECEIPT: AEFB'
export const SIGNATURE =
  'X-SES-DKIM-SIGNATURE: a=rsa-sha256; q=dns/txt; b=AAAA; d=amazonses.com; t=1740055085; v=1;'

/** Raw lines without their ends. */
export function headerOf(parts: Parts): string[] {
  const { form = 'classic', above = [], own = [], edit = fields => fields } = parts
  const block = form === 'classic' ? classic(parts) : mailManager(parts)
  return [...above, ...edit(block).flatMap(field => field.split('\n')), ...own]
}

function classic(parts: Parts): string[] {
  const { spam, virus, closing = [RECEIPT, SIGNATURE] } = parts
  return [
    returnPath(parts),
    received(parts, 'inbound-smtp.eu-west-1.amazonaws.com with SMTP', ''),
    ...(spam === undefined ? [] : [`X-SES-Spam-Verdict: ${spam}`]),
    ...(virus === undefined ? [] : [`X-SES-Virus-Verdict: ${virus}`]),
    ...results(parts),
    ...closing,
  ]
}

function mailManager(parts: Parts): string[] {
  const by = 'open.mail-manager-smtp.eu-west-1.amazonaws.com with ESMTPS'
  return [
    ...results(parts),
    returnPath(parts),
    received(parts, by, ' (version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384)'),
  ]
}

function returnPath({ sender = 'victim@victim.example' }: Parts): string {
  return `Return-Path: <${sender}>`
}

function received(parts: Parts, by: string, tls: string): string {
  const {
    helo = 'mail.evil.example',
    name = helo,
    ip = '192.0.2.7',
    recipient = 'gone@yours.example',
  } = parts
  const fold = parts.isFlat ? ' ' : '\n '
  const from = `Received: from ${helo} (${name === '' ? '' : `${name} `}[${ip}])`
  return [from, `by ${by} id ${SES_ID}${tls}`, `for ${recipient};`, DATE].join(fold)
}

function results(parts: Parts): string[] {
  const {
    sender = 'victim@victim.example',
    helo = 'mail.evil.example',
    ip = '192.0.2.7',
    spf = 'fail',
  } = parts
  const { envelopeFrom = sender === '' ? `postmaster@${helo}` : sender, results = [] } = parts
  const comment = parts.comment ?? `spfCheck: domain of ${sender.split('@').at(-1)} says so`
  const text = `${spf} (${comment}) client-ip=${ip}; envelope-from=${envelopeFrom}; helo=${helo};`
  const fold = parts.isFlat ? ' ' : '\n '
  return [
    `Received-SPF: ${text}`,
    ['Authentication-Results: amazonses.com;', `spf=${text}`, ...results].join(fold),
  ]
}

/**
 * The facts of the lines as Haraka hands them over, long ones broken. A line's characters stand for bytes of Latin-1
 * only if they are ASCII.
 */
export async function factsOf(lines: readonly string[]): Promise<MailFacts> {
  const wire = onWire(Buffer.from(`${lines.join('\r\n')}\r\n\r\nbody\r\n`), wireLimits(''))
  return readFacts({
    envelope: {
      sender: 'relay@yours.example',
      recipients: [{ address: 'gone@yours.example', notifyNever: false }],
      relayIp: '192.0.2.1',
      sizeBytes: 1000,
    },
    headerLines: wire.headerLines,
    headerIsCut: wire.headerIsCut,
    ownFields: 0,
    lineLength: wire.lineLength,
    receivesFor: domain => domain === 'yours.example',
    isOfOwnOrganisation: domain => domain === 'yours.example',
    relayRecipients: 'auto',
    nowMs: RECEIVED_AT_MS + 1000,
    content: () => Promise.reject(new Error('nobody asks for content')),
    results: () => [],
  })
}

/** The reason why the mail isn't bounced: 'no receipt', or the guard's words. Undefined: it would be bounced. */
export async function heldBecause(
  lines: readonly string[],
  authentication: AuthenticationLevel,
): Promise<string | undefined> {
  const facts = await factsOf(lines)
  if (facts.receipt?.returnPath === undefined) return 'no receipt'
  const [recipient] = facts.recipients
  if (recipient === undefined) return 'no recipient'
  return guard(
    facts,
    recipient,
    { ...SETTINGS.guard, authentication },
    {
      bounceSender: 'mailer-daemon@yours.example',
      bounceSenders: [],
      labelSeparator: '+',
      receivesFor: domain => domain === 'yours.example',
      isNamed: false,
    },
  )
}

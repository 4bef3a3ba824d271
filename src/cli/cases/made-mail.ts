// Makes the mail of a case without a file: from the case's keys, with SES's fields above.
// Never throws: a faulty value is reported at its line.

import type { IniSection } from '../../config/ini'
import { wholeValue } from '../../config/items'
import { regionList } from '../../config/list-parsers'
import type { SesVerdicts } from '../../mail/facts'
import { findField } from '../../policy/fields'
import type { EpochMs } from '../../units'
import type { Given } from '../explain/assumed'
import { NONE } from './case'
import { groupOf } from './keys'
import { type Attachment, mailBytes } from './mime'
import { type SesPart, sesBlock, traceDate } from './ses-block'
import type { CaseValues } from './values'

export interface MadeMail {
  raw: () => Buffer | Promise<Buffer>
  given: Given
}

const STANDARD_SENDER = 'someone@sender.example'
/** RFC 5737: an address for documentation. */
const STANDARD_CLIENT_IP = '192.0.2.25'
const STANDARD_AGE_MS = 60_000
const STANDARD_SIZE_BYTES = 1024
/** SES accepts 40 MB (developer guide: service quotas, email receiving). */
const LARGEST_BYTES = 40 * 1024 ** 2

/** The ids of one mail of many; without them the ids are always the same, so that test results don't change. */
export interface MailIds {
  sesId: string
  messageId: string
}

/** `atMs`: when the mail is delivered. After a reported fault the result must not be used. */
export function madeMail(section: IniSection, values: CaseValues, atMs: EpochMs, ids?: MailIds): MadeMail {
  const recipients = values.addresses('recipient') ?? values.addresses('envelope.recipient') ?? []
  if (!values.has('recipient') && !values.has('envelope.recipient'))
    values.faultOf(section.line, 'the mail has no recipient; write recipient = user@example.com')
  const hasReceipt = values.oneOf('receipt', [NONE]) === undefined
  if (!hasReceipt) checkWithoutReceipt(section, values)
  const sender = values.sender('sender') ?? STANDARD_SENDER
  const ses = { ...sesPart(values, sender, recipients[0] ?? ''), ...(ids && { sesId: ids.sesId }) }
  // SES writes whole seconds
  const ageMs = values.durationMs('age') ?? STANDARD_AGE_MS
  const receivedAtMs = Math.floor((atMs - ageMs) / 1000) * 1000
  const fields = fieldsOf(section, values, {
    sender,
    recipients,
    receivedAtMs,
    messageId: ids?.messageId ?? 'test@sender.example',
  })
  const texts = textsOf(values)
  const attachments = attachmentsOf(values)
  return {
    raw: () => mailBytes({ head: hasReceipt ? sesBlock(ses, receivedAtMs) : [], fields, texts, attachments }),
    given: {
      from: sender,
      to: recipients,
      at: { timeMs: receivedAtMs + ageMs },
    },
  }
}

function checkWithoutReceipt({ entries }: IniSection, values: CaseValues): void {
  for (const { key } of entries) {
    const isOfSes = groupOf(key) === 'ses' && !['receipt', 'sender', 'recipient'].includes(key)
    if (isOfSes || key === 'age') values.fault(key, 'is nothing that a mail with receipt = none has')
  }
}

function sesPart(values: CaseValues, sender: string, recipient: string): SesPart {
  const helo = values.word('client.helo')
  const name = values.word('client.name')
  return {
    sender,
    recipient,
    region: values.kind('region', regionList)?.[0] ?? 'eu-west-1',
    client: {
      ip: values.ip('client.ip') ?? STANDARD_CLIENT_IP,
      ...(helo !== undefined && { helo }),
      ...(name !== undefined && { name }),
    },
    verdicts: {
      spam: verdict(values, 'spam'),
      virus: verdict(values, 'virus'),
      spf: verdict(values, 'spf'),
      dkim: verdict(values, 'dkim'),
      dmarc: verdict(values, 'dmarc'),
    },
  }
}

function verdict(values: CaseValues, name: keyof SesVerdicts): string {
  const key = `verdict.${name}`
  return values.oneOf(key, findField(key)?.field.words ?? []) ?? 'pass'
}

interface Known {
  sender: string
  recipients: readonly string[]
  receivedAtMs: EpochMs
  messageId: string
}

/** The fields of the case, and those that every mail has. */
function fieldsOf({ entries }: IniSection, values: CaseValues, known: Known): [string, string][] {
  const { sender, recipients, receivedAtMs, messageId } = known
  const named = entries
    .filter(({ key }) => key.startsWith('header.') && groupOf(key) === 'header')
    .map(({ key, value }): [string, string] => [key.slice('header.'.length), wholeValue(value)])
  const standard: [name: string, value: string | undefined][] = [
    ['From', values.text('from') ?? (sender === '' ? 'MAILER-DAEMON@sender.example' : sender)],
    ['To', values.text('to') ?? recipients.join(', ')],
    ['Cc', values.text('cc')],
    ['Reply-To', values.text('reply-to')],
    ['Subject', values.text('subject') ?? 'A test'],
    ['Date', traceDate(receivedAtMs).replace(' (UTC)', '')],
    ['Message-ID', `<${messageId}>`],
  ]
  const own = new Set(named.map(([name]) => name.toLowerCase()))
  return [
    ...standard.flatMap(([name, value]): [string, string][] =>
      value === undefined || own.has(name.toLowerCase()) ? [] : [[name, value]],
    ),
    ...named,
  ]
}

function textsOf(values: CaseValues): { plain?: string; html?: string } {
  const [plain, html] = [values.lines('body'), values.lines('body.html')]
  return { ...(plain !== undefined && { plain }), ...(html !== undefined && { html }) }
}

function attachmentsOf(values: CaseValues): Attachment[] {
  const names = values.list('attachment.name')
  const types = values.list('attachment.type') ?? ['application/octet-stream']
  const sizes = values.sizesBytes('attachment.size') ?? [STANDARD_SIZE_BYTES]
  for (const [key, { length }] of [
    ['attachment.type', types],
    ['attachment.size', sizes],
  ] as const) {
    if (values.has(key) && names === undefined) values.fault(key, 'needs attachment.name')
    else if (names !== undefined && length > 1 && length !== names.length)
      values.fault(
        key,
        `has ${length} values, but there are ${names.length} attachments; write one for each, or one for all`,
      )
  }
  if (sizes.some(size => size > LARGEST_BYTES))
    values.fault('attachment.size', 'is more than SES accepts: 40mb')
  return (names ?? []).map((name, index) => ({
    name,
    type: types[index] ?? types[0] ?? '',
    sizeBytes: sizes[index] ?? sizes[0] ?? 0,
  }))
}

// Formats a quarantined mail as a line, as a page, and as data for programs. Pure. The caller escapes control
// characters.

import { keptJson } from '../../app/kept-json'
import { snakeKeys } from '../../json'
import type { Preview } from '../../mail/preview'
import type { Kept } from '../../quarantine/kept'
import { addressText, quotedText, sizeText, utcText } from '../explain/words'

export type Values = (name: string) => readonly string[]

const SHOWN_HELD = 3
const SHOWN_FIELDS = ['From', 'To', 'Date', 'Subject', 'Message-ID']

/** `ID 2025-02-20 12:38:04 UTC joe@origin.example -> a@yours.example [rule] why, "The subject"` */
export function keptLine(kept: Kept, values: Values): string {
  const { id, record } = kept
  const [subject] = values('subject')
  const about = subject === undefined ? 'no subject' : quotedText(subject)
  if (record === undefined) return `${id} ${whenOf(kept)} its record can't be read, ${about}`
  const { envelope, held } = record
  const shown = held.slice(0, SHOWN_HELD).map(({ recipient }) => addressText(recipient))
  const more = held.length > shown.length ? ` and ${held.length - shown.length} more` : ''
  return [
    id,
    whenOf(kept),
    addressText(envelope.sender),
    `-> ${shown.join(',')}${more}`,
    `${[...new Set(held.map(why))].join('; ')},`,
    about,
  ].join(' ')
}

export function keptPage(kept: Kept, values: Values): string[] {
  const { id, location, sizeBytes, record } = kept
  return [
    `${id}: kept ${whenOf(kept)}`,
    row('mail', `${location}, ${sizeText(sizeBytes)}`),
    ...(record === undefined
      ? [row('record', "can't be read")]
      : [
          row('MAIL FROM', addressText(record.envelope.sender)),
          row('RCPT TO', record.envelope.recipients.map(addressText).join(', ')),
          row('relay', record.envelope.relayIp),
          ...record.held.map(held => row('held for', `${addressText(held.recipient)} by ${why(held)}`)),
        ]),
    ...SHOWN_FIELDS.flatMap(name => values(name).map(value => row(name, quotedText(value)))),
    ...(record?.receipt ? ["SES's receipt", ...indented(snakeKeys(record.receipt))] : []),
  ]
}

export function keptData(kept: Kept, values: Values): Record<string, unknown> {
  const [subject] = values('subject')
  return keptJson(kept, subject)
}

/** Lines of the text keep their order; the caller escapes each. */
export function previewLines({ texts, attachments, isCut, fault }: Preview): string[] {
  const [first, second] = texts
  return [
    ...(fault === undefined ? [] : [`text: none: ${fault}`]),
    ...(fault === undefined && first === undefined ? ['text: none'] : []),
    ...(first === undefined ? [] : ['text', ...textLines(first)]),
    ...(second === undefined ? [] : ['text of the HTML', ...textLines(second)]),
    ...attachments.map(({ names, types, sizeBytes }) =>
      row(
        'attached',
        `${names.length === 0 ? 'no name' : names.map(quotedText).join(' or ')}, ${types.join(' or ')}, ${sizeText(sizeBytes)}`,
      ),
    ),
    ...(isCut ? ['  there is more: only the beginning is shown'] : []),
  ]
}

function textLines(text: string): string[] {
  return text.split(/\r?\n/).map(line => `  ${line.replaceAll('\t', '    ')}`)
}

function why({ rule, reason }: { rule: string; reason: string }): string {
  return [...(rule === '' ? [] : [`[${rule}]`]), reason].join(' ')
}

function whenOf({ record, keptAtMs }: Kept): string {
  return utcText(new Date(record === undefined ? keptAtMs : Date.parse(record.quarantinedAt)).toISOString())
}

function indented(value: unknown): string[] {
  return JSON.stringify(value, null, 2)
    .split('\n')
    .map(line => `  ${line}`)
}

function row(what: string, text: string): string {
  return `  ${what.padEnd(10)} ${text}`
}

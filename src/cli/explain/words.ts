// Formats values of a mail for a line of `explain` and `test`: short, quoted if needed, with units.
// Pure. The caller escapes control characters.

import { formatSize } from '../../config/values'
import { findField } from '../../policy/fields'
import type { Kind } from '../../policy/patterns'
import type { ExplainedRule } from './explained-rule'

const SHOWN_VALUES = 3
const SHOWN_CHARACTERS = 80

/** `[programs] attachment.name = *.exe: no value matches; it has a.pdf` */
export function failedText({ name, mode, action, failed, unreadable, notAsked }: ExplainedRule): string {
  const rule = `[${name}]`
  if (unreadable !== undefined) return `${rule} can't be answered: ${unreadable}`
  if (notAsked !== undefined) return `${rule} not asked: ${notAsked}`
  if (failed === undefined)
    return mode === 'observe' ? `${rule} holds, and only notes ${action}: mode observe` : `${rule} holds`
  const { key, wanted, value, values } = failed
  const kind = findField(key.replace(/^not\./, ''))?.field.kind ?? 'text'
  const has = value.slice(0, SHOWN_VALUES).map(one => valueText(one, kind))
  if (values > has.length) has.push(`${values - has.length} more`)
  const found = has.length === 0 ? 'there is none' : `it has ${has.join(', ')}`
  const verdict = key.startsWith('not.') ? 'a value matches' : 'no value matches'
  return `${rule} ${key} = ${cut(wanted)}: ${verdict}; ${found}`
}

function valueText(value: string | number, kind: Kind): string {
  if (typeof value === 'string') return kind === 'address' ? addressText(value) : quotedText(value)
  if (kind === 'size') return sizeText(value)
  return kind === 'duration' ? timeText(value) : String(value)
}

/** The null sender as it is written. */
export function addressText(address: string): string {
  return address === '' ? '<>' : quotedText(address)
}

/** Without quotes if it is one word. */
export function quotedText(text: string): string {
  return /^[^\s",;]+$/u.test(text) && text.length <= SHOWN_CHARACTERS ? text : JSON.stringify(cut(text))
}

function cut(text: string): string {
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}...` : text
}

/** `1.2 kB (1,234 bytes)` */
export function sizeText(bytes: number): string {
  const all = bytes.toLocaleString('en-US')
  return bytes < 1024 ? formatSize(bytes) : `${formatSize(bytes)} (${all} bytes)`
}

/** `2d 3h`, `25h 1m`, `1m 5s`, `0s`: the two largest units. */
export function timeText(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  // SES's window is known as 24 hours
  const units: [number, string][] =
    hours >= 48
      ? [
          [Math.floor(hours / 24), 'd'],
          [hours % 24, 'h'],
        ]
      : hours > 0
        ? [
            [hours, 'h'],
            [minutes, 'm'],
          ]
        : [
            [minutes, 'm'],
            [seconds % 60, 's'],
          ]
  return (
    units
      .filter(([number]) => number > 0)
      .map(([number, unit]) => `${number}${unit}`)
      .join(' ') || '0s'
  )
}

/** `2025-02-20 12:38:04 UTC` */
export function utcText(iso: string): string {
  return `${iso.slice(0, 19).replace('T', ' ')} UTC`
}

/** `1 mail`, `2 mails` */
export function count(number: number, what: string): string {
  return `${number.toLocaleString('en-US')} ${what}${number === 1 ? '' : 's'}`
}

/** A line of a block: its name, and its text. */
export function row(what: string, text: string): string {
  return `  ${what.padEnd(10)} ${text}`.trimEnd()
}

// Numbers, sizes and durations that can be read but hold never, or always. Texts of warnings; undefined: nothing is suspect.
// Never throws.

import { parseDurationMs, parseNumber, parseSizeBytes } from '../config/values'
import type { Field } from './fields'

/** A mail has at least one recipient; other numbers begin at 0. */
const LEAST: Readonly<Record<string, number>> = { recipients: 1 }
/** The right value of `[max] bytes`: SES accepts 40 MB, and the hops behind it add lines. */
const MOST_BYTES = 46_000_000

/** `20mb` means exactly as many bytes. */
export function exactMeasure({ kind, name }: Field, text: string): string | undefined {
  if (!/^\d/.test(text) || text.includes('..')) return undefined
  const value = kind === 'size' ? parseSizeBytes(text) : parseDurationMs(text)
  // a number without its unit has a warning of its own
  if (value === undefined || /^\d+$/.test(text)) return undefined
  return `${name} = ${text} holds only for exactly ${text}; write > ${text} or >= ${text}`
}

export function numberSuspicion({ kind, name }: Field, text: string): string | undefined {
  const found = /^(<=?|>=?|=?)\s*([^<>=.][^<>=]*)$/.exec(text)
  if (!found || text.includes('..')) return undefined
  const [, operator = '', written = ''] = found
  const parse = kind === 'size' ? parseSizeBytes : kind === 'duration' ? parseDurationMs : parseNumber
  const limit = parse(written.trim())
  if (limit === undefined) return undefined
  const least = LEAST[name] ?? 0
  const isBelow = limit < least
  if ((operator === '<' && limit <= least) || (isBelow && ['<=', '=', ''].includes(operator)))
    return `"${text}" never holds: ${name} is at least ${least}`
  if ((operator === '>=' && limit <= least) || (operator === '>' && isBelow))
    return `"${text}" always holds: ${name} is at least ${least}`
  if (kind === 'size' && operator.startsWith('>') && limit > MOST_BYTES)
    return `"${text}" never holds: SES accepts 40 MB`
  return undefined
}

// One value of ses-bounce.ini by its kind. What can't be read comes back as the text of a finding.

import net from 'node:net'
import { domainToASCII } from 'node:url'
import { splitItems, wholeValue } from './items'
import type { Kind } from './schema'
import type { Rate } from './settings'
import {
  DURATION_FORM,
  formatDuration,
  parseCount,
  parseDurationMs,
  parseSizeBytes,
  SIZE_FORM,
} from './values'

/** The value of each kind as the rest of the product takes it. */
export interface Parsed {
  choice: string
  boolean: boolean
  duration: number
  durations: { firstMs: number; longestMs: number }
  size: number
  count: number
  rate: Rate | undefined
  networks: string[]
  domains: string[]
  words: string[]
  regions: string[]
  endpoint: string
  'bounce-sender': string
  'reporting-mta': string | undefined
  arn: string | undefined
  path: string
}

export type Result = { value: Parsed[keyof Parsed] } | { fault: string }

const PER_MS: Record<string, number> = { second: 1000, minute: 60_000, hour: 3_600_000, day: 86_400_000 }

/** AWS region names: eu-west-1, us-gov-west-1, ap-southeast-5. */
export const REGION = /^[a-z]{2,4}(?:-[a-z]+){1,2}-\d{1,2}$/

/** `raw` is what stands behind the `=`. */
export function parseValue(kind: Kind, raw: string): Result {
  switch (kind.is) {
    case 'networks':
      return list(
        raw,
        text => (isNetwork(text) ? text : undefined),
        'an address or a range like 192.0.2.0/24',
      )
    case 'domains':
      return list(raw, domain, 'a domain')
    case 'words':
      return list(raw, text => text, '')
    case 'regions':
      return list(raw, text => (REGION.test(text) ? text : undefined), 'a region like eu-west-1')
    default:
      return whole(kind, wholeValue(raw))
  }
}

function whole(
  kind: Exclude<Kind, { is: 'networks' | 'domains' | 'words' | 'regions' }>,
  text: string,
): Result {
  switch (kind.is) {
    case 'choice': {
      const value = kind.values.find(choice => choice === text.toLowerCase())
      return value === undefined ? wrong(text, kind.values.join(', ')) : { value }
    }
    case 'boolean': {
      const word = text.toLowerCase()
      if (['true', 'yes', 'on'].includes(word)) return { value: true }
      return ['false', 'no', 'off'].includes(word) ? { value: false } : wrong(text, 'true or false')
    }
    case 'duration':
      return duration(kind, text)
    case 'durations':
      return durations(text)
    case 'size': {
      const value = parseSizeBytes(text)
      return value === undefined ? wrong(text, SIZE_FORM) : { value }
    }
    case 'count': {
      const value = parseCount(text)
      return value === undefined || value < kind.least
        ? wrong(text, `a whole number, at least ${kind.least}`)
        : { value }
    }
    case 'rate':
      return rate(text)
    case 'endpoint':
      return endpoint(text)
    case 'bounce-sender':
      return bounceSender(text)
    case 'reporting-mta':
      // SES API: MessageDsn.ReportingMta; RFC 3464 section 2.2.2
      if (text === '') return { value: undefined }
      return /^[a-z0-9-]+; ?[!-~]+$/i.test(text) ? { value: text } : wrong(text, '"dns; name"')
    case 'arn':
      if (text === '') return { value: undefined }
      return /^arn:aws[a-z-]*:ses:[a-z0-9-]*:\d*:identity\/[!-~]+$/.test(text)
        ? { value: text }
        : wrong(text, 'the ARN of an SES identity, arn:aws:ses:REGION:ACCOUNT:identity/NAME')
    case 'path':
      return text === '' ? { fault: 'a path is missing' } : { value: text }
  }
}

function wrong(text: string, right: string): { fault: string } {
  return {
    fault:
      text === ''
        ? `a value is missing; right would be: ${right}`
        : `unknown value "${text}"; right would be: ${right}`,
  }
}

function list(raw: string, read: (text: string) => string | undefined, right: string): Result {
  const { items, fault } = splitItems(raw)
  if (fault !== undefined) return { fault }
  const values: string[] = []
  for (const { text } of items) {
    const value = read(text)
    if (value === undefined) return wrong(text, right)
    values.push(value)
  }
  return { value: values }
}

function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  const family = net.isIP(address)
  if (family === 0 || rest.length > 0) return false
  if (bits === undefined) return true
  return /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32)
}

function domain(text: string): string | undefined {
  const ascii = domainToASCII(text.replace(/^@/, '')).toLowerCase()
  return /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/.test(ascii) ? ascii : undefined
}

function duration(kind: { leastMs?: number; mostMs?: number }, text: string): Result {
  const value = parseDurationMs(text)
  if (value === undefined) return wrong(text, DURATION_FORM)
  if (kind.leastMs !== undefined && value < kind.leastMs)
    return { fault: `"${text}" is too short; at least ${formatDuration(kind.leastMs)}` }
  if (kind.mostMs !== undefined && value > kind.mostMs)
    return { fault: `"${text}" is too long; at most ${formatDuration(kind.mostMs)}` }
  return { value }
}

function durations(text: string): Result {
  const [first = '', longest = '', ...rest] = text.split('..')
  const firstMs = parseDurationMs(first.trim())
  const longestMs = parseDurationMs(longest.trim())
  if (firstMs === undefined || longestMs === undefined || rest.length > 0)
    return wrong(text, 'two durations, 2s..10m')
  if (firstMs === 0 || firstMs > longestMs) return wrong(text, 'the shorter one first, and more than 0')
  return { value: { firstMs, longestMs } }
}

function rate(text: string): Result {
  if (text === '') return { value: undefined }
  const match = /^(\d{1,9})\s*\/\s*(second|minute|hour|day)$/i.exec(text)
  const perMs = PER_MS[match?.[2]?.toLowerCase() ?? '']
  const count = Number(match?.[1])
  return perMs === undefined || count < 1
    ? wrong(text, 'a number and a time: 10/day, 100/hour')
    : { value: { count, perMs } }
}

function endpoint(text: string): Result {
  if (text === '' || text === 'local') return { value: text }
  const filled = text.replaceAll('{region}', 'eu-west-1')
  const url = /^https?:\/\//i.test(filled) && URL.canParse(filled) ? new URL(filled) : undefined
  return url === undefined || url.username !== ''
    ? wrong(text, 'a URL like https://email.{region}.example, "local", or nothing')
    : { value: text }
}

/** The names that it may use are the policy's to know. */
function bounceSender(text: string): Result {
  return /^[!-~]+@[!-~]+$/.test(text)
    ? { value: text }
    : wrong(text, 'an address like mailer-daemon@{recipient.domain}')
}

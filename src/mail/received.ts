// Reads the Received line that SES writes: client, id, recipient and time.
// The sender chooses some of its words (HELO, host name, recipient). If these could look like SES's, the line is a
// fault.

import { isIP } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import type { Result } from '../errors'
import type { Receipt } from './facts'
import type { Field } from './split-fields'

export interface SesReceived
  extends Pick<Receipt, 'form' | 'sesId' | 'sesIdIsUsual' | 'region' | 'receivedAtMs'> {
  /** The recipient without angle brackets. Undefined: missing, or not one readable address. */
  forRecipient?: string
  /** Undefined: the `from` part isn't `from HELO (name [ip])`. */
  client?: Receipt['client']
}

/** `fault`: a text for the log. */
export type SesReceivedResult = Result<SesReceived>

/** A line with such a host counts as SES's, even if the host is unknown. No field below it is SES's. */
const LIKE_SES_HOST =
  /^(?:[a-z\d-]{1,63}\.)?(?:inbound-smtp|mail-manager-smtp)[a-z\d-]{0,63}\..*(?:amazonaws\.com|\.aws)/is
/** The same for a line without its blanks, as a hop may have broken it inside a word. */
const LIKE_SQUEEZED_SES_HOST =
  /by(?:[a-z\d-]{1,63}\.)?(?:inbound-smtp|mail-manager-smtp)[a-z\d-]{0,63}\.(?:[a-z\d-]{1,63}\.){0,4}(?:amazonaws\.com|aws)/i
const SES_HOST = /^(inbound-smtp|(?:open|auth|mtls)\.mail-manager-smtp)\.([^.]*)\.amazonaws\.com(?:\.cn)?$/i
/** AWS region codes: `eu-west-1`, `us-gov-west-1`, `ap-southeast-5`. */
export const REGION = /^[a-z]{2,4}(?:-[a-z]{2,12}){1,3}-\d{1,2}$/
/** RFC 3848 and RFC 6531 section 4.3 ("with" protocol types). */
const PROTOCOL = /^(?:E|UTF8)?SMTPS?A?$/i
/** The form of nearly all known ids of SES since 2015. */
const USUAL_ID = /^[0-9a-v]{38}[08go]1$/
/** The form of any id that SES may use. */
export const PLAUSIBLE_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{7,127}$/
/** RFC 5322 section 3.3. The comment is the name of the zone. */
const DATE =
  /^(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d)(?::(\d\d))? ([+-]\d{4}|UTC?|GMT|Z)(?: \([^()]{0,64}\))?$/
/** The beginning of a date that DATE accepts, anywhere in a line. */
const ANY_DATE = /\b\d{1,2}\s+[A-Z][a-z]{2}\s+\d{4}\s+\d\d:\d\d/g
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

const UNREADABLE: SesReceivedResult = { fault: "SES's Received line can't be read" }

/**
 * Reads a Received field. Undefined: it isn't SES's. If Haraka may have broken the line, it is read with the break and
 * without, and a difference is a fault. A break that hides SES's host is a fault too, as the next line may be forged.
 */
export function readSesReceivedField({ raw, joined }: Field): SesReceivedResult | undefined {
  const received = readSesReceived(raw)
  if (joined !== undefined && !isDeepStrictEqual(readSesReceived(joined), received)) return UNREADABLE
  if (received !== undefined) return received
  return LIKE_SQUEEZED_SES_HOST.test(raw.replace(/\s+/g, '')) ? UNREADABLE : undefined
}

/**
 * `text`: of a Received field, unfolded. Undefined: no host of SES follows a `by`, so it isn't SES's.
 *
 * Reads from the end, where SES wrote date, `for`, id and `by`: the sender's HELO comes before these. The recipient,
 * which the sender chose too, is cut off exactly, quoted or not.
 */
export function readSesReceived(text: string): SesReceivedResult | undefined {
  // also if the host is part of a HELO or a quoted recipient: a fault is better than the next line, which may be forged
  if (sesHosts(words(text)).length === 0) return undefined
  // the sender's first line may continue this field, and the HELO may look like its beginning
  if ((text.match(ANY_DATE)?.length ?? 0) > 1) return { fault: "SES's Received line has two dates" }
  const { head, dateText } = cutDate(text)
  const { rest, forRecipient } = cutRecipient(head)
  const all = words(rest)
  const hosts = sesHosts(all)
  const at = hosts.at(-1)
  const client = at === undefined ? undefined : readClient(all.slice(0, at - 1).join(' '))
  // of two hosts, one that doesn't directly follow the client may be part of an odd recipient
  if (at === undefined || (hosts.length > 1 && !client)) return UNREADABLE
  const host = SES_HOST.exec(all[at] ?? '')
  const region = host?.[2]?.toLowerCase() ?? ''
  if (!REGION.test(region)) return { fault: "SES's Received line has no readable region" }
  const sesId = readId(all.slice(at + 1))
  if (sesId === undefined) return { fault: "SES's Received line has no readable id" }
  const receivedAtMs = parseDate(dateText)
  if (receivedAtMs === undefined) return { fault: "SES's Received line has no readable date" }
  const value: SesReceived = {
    form: host?.[1]?.toLowerCase() === 'inbound-smtp' ? 'classic' : 'mail-manager',
    sesId,
    sesIdIsUsual: USUAL_ID.test(sesId),
    region,
    receivedAtMs,
    ...(forRecipient !== undefined && { forRecipient }),
    ...(client && { client }),
  }
  return { value }
}

/** The recipient after `for` in a Received field, without angle brackets, as readSesReceived reads it. */
export function recipientIn(value: string): string | undefined {
  return cutRecipient(cutDate(value).head).forRecipient
}

/** A date with its zone (RFC 5322 section 3.3) in milliseconds since the epoch. Undefined: not a date. */
export function parseDate(text: string): number | undefined {
  const match = DATE.exec(words(text).join(' '))
  if (match === null) return undefined
  const number = (group: number) => Number(match[group] ?? 0)
  const [year, month, day] = [number(3), MONTHS.indexOf(match[2] ?? ''), number(1)]
  const [hour, minute, second] = [number(4), number(5), number(6)]
  if (year < 1970 || month < 0 || hour > 23 || minute > 59 || second > 60) return undefined
  // Date.UTC turns 31 Feb into a day in March
  if (new Date(Date.UTC(year, month, day)).getUTCDate() !== day) return undefined
  const utcMs = Date.UTC(year, month, day, hour, minute, second)
  const zone = /^([+-])([01]\d|2[0-3])([0-5]\d)$/.exec(match[7] ?? '')
  if (zone === null) return /^[+-]/.test(match[7] ?? '') ? undefined : utcMs
  const offsetMs = (Number(zone[2]) * 60 + Number(zone[3])) * 60_000
  return zone[1] === '+' ? utcMs - offsetMs : utcMs + offsetMs
}

function words(text: string): string[] {
  return text.split(/\s+/).filter(word => word !== '')
}

/** Indexes of the words after a `by` that look like a host of SES. */
function sesHosts(all: readonly string[]): number[] {
  const found: number[] = []
  for (const [index, word] of all.entries()) {
    if (LIKE_SES_HOST.test(word) && isBy(all[index - 1] ?? '')) found.push(index)
  }
  return found
}

function cutDate(value: string): { head: string; dateText: string } {
  const semicolon = value.lastIndexOf(';')
  if (semicolon < 0) return { head: value, dateText: '' }
  return { head: value.slice(0, semicolon), dateText: value.slice(semicolon + 1) }
}

/** Cuts ` for address` off the end. Reads the address backwards, so that no text before it can change its extent. */
function cutRecipient(head: string): { rest: string; forRecipient?: string } {
  const text = head.trim()
  const close = text.endsWith('>') ? text.length - 1 : text.length
  const at = text.lastIndexOf('@', close)
  if (at < 1 || /[\s"<>(),;\\]/.test(text.slice(at + 1, close)) || at + 1 >= close) return { rest: text }
  const open = localStart(text, at)
  if (open === undefined) return { rest: text }
  const isBracketed = close < text.length
  if (isBracketed && text[open - 1] !== '<') return { rest: text }
  const before = text.slice(0, isBracketed ? open - 1 : open)
  const rest = before.trimEnd()
  if (rest === before || !/\sfor$/i.test(rest.slice(-4))) return { rest: text }
  return { rest: rest.slice(0, -4), forRecipient: text.slice(open, close) }
}

/** Index of the beginning of the local part that ends before `at`. Undefined: neither one word nor one quoted string. */
function localStart(text: string, at: number): number | undefined {
  let start = at - 1
  if (text[start] === '"') {
    // an odd number of backslashes precedes an inner quote (RFC 5321 section 4.1.2, quoted-pairSMTP)
    do start = text.lastIndexOf('"', start - 1)
    while (start > 0 && isEscaped(text, start))
    return start < 1 ? undefined : start
  }
  while (start >= 0 && !/[\s"<>(),;\\]/.test(text[start] ?? '')) start--
  return start + 1 < at && text[start] !== '"' ? start + 1 : undefined
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0
  while (text[at - 1 - backslashes] === '\\') backslashes++
  return backslashes % 2 === 1
}

/** The id in `with SMTP id ID`. Only a comment or an unreadable `for` may follow. Undefined: anything else. */
function readId(behindHost: readonly string[]): string | undefined {
  const [withWord, protocol, idWord, id, ...more] = behindHost
  if (withWord?.toLowerCase() !== 'with' || !PROTOCOL.test(protocol ?? '')) return undefined
  if (idWord?.toLowerCase() !== 'id' || !PLAUSIBLE_ID.test(id ?? '')) return undefined
  const behind = more.join(' ')
  if (behind === '' || /^\([^()]*\)$/.test(behind)) return id
  const isFor = /^(?:\([^()]*\) )?for /i.test(behind) && !behind.includes(';')
  return isFor && !more.some(word => /\b(?:by|id)$/i.test(word)) ? id : undefined
}

function isBy(word: string): boolean {
  return /\bby$/i.test(word)
}

/** `from HELO (name [ip])`, read from the end, as a HELO may hold anything. */
function readClient(text: string): Receipt['client'] | undefined {
  const open = text.lastIndexOf(' (')
  if (!/^from /i.test(text) || open < 5 || !text.endsWith('])')) return undefined
  const inner = text.slice(open + 2, -2)
  const bracket = inner.lastIndexOf('[')
  const ip = inner.slice(bracket + 1).replace(/^IPv6:/i, '')
  if (bracket < 0 || isIP(ip) === 0) return undefined
  return { helo: text.slice(5, open), name: inner.slice(0, bracket).trim(), ip }
}

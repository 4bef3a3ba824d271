// The Received line that SES writes: who gave the mail, the id, the recipient and the time.
// What stands in it of the sender's (HELO, host name, recipient) can't pose as SES's part: a line in doubt is a fault.

import { isIP } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import type { Receipt } from './facts'
import type { Field } from './split-fields'

export interface SesReceived
  extends Pick<Receipt, 'form' | 'sesId' | 'sesIdIsUsual' | 'region' | 'receivedAtMs'> {
  /** Without angle brackets; undefined: not named, or not one readable address. */
  forRecipient?: string
  /** Undefined: the `from` part isn't `from HELO (name [ip])`. */
  client?: Receipt['client']
}

/** `fault`: a text for the log. */
export type SesReceivedResult = SesReceived | { fault: string }

/** What counts as SES's line, readable or not: also hosts that SES isn't known to have. Below them nothing is SES's. */
const LIKE_SES_HOST =
  /^(?:[a-z\d-]{1,63}\.)?(?:inbound-smtp|mail-manager-smtp)[a-z\d-]{0,63}\..*(?:amazonaws\.com|\.aws)/is
/** The same where a hop broke the line within a word, all blanks taken out. */
const LIKE_SQUEEZED_SES_HOST =
  /by(?:[a-z\d-]{1,63}\.)?(?:inbound-smtp|mail-manager-smtp)[a-z\d-]{0,63}\.(?:[a-z\d-]{1,63}\.){0,4}(?:amazonaws\.com|aws)/i
const SES_HOST = /^(inbound-smtp|(?:open|auth|mtls)\.mail-manager-smtp)\.([^.]*)\.amazonaws\.com(?:\.cn)?$/i
/** AWS region codes: `eu-west-1`, `us-gov-west-1`, `ap-southeast-5`. */
export const REGION = /^[a-z]{2,4}(?:-[a-z]{2,12}){1,3}-\d{1,2}$/
/** RFC 3848 and RFC 6531 section 4.3 ("with" protocol types). */
const PROTOCOL = /^(?:E|UTF8)?SMTPS?A?$/i
/** The form of all but a few of the ids that SES is known to have given since 2015. */
const USUAL_ID = /^[0-9a-v]{38}[08go]1$/
/** Of any id that SES may have given. */
export const PLAUSIBLE_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{7,127}$/
/** RFC 5322 section 3.3; the comment is the zone's name. */
const DATE =
  /^(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d)(?::(\d\d))? ([+-]\d{4}|UTC?|GMT|Z)(?: \([^()]{0,64}\))?$/
/** What DATE takes for one, wherever it stands. */
const ANY_DATE = /\b\d{1,2}\s+[A-Z][a-z]{2}\s+\d{4}\s+\d\d:\d\d/g
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

const UNREADABLE: SesReceivedResult = { fault: "SES's Received line can't be read" }

/**
 * A Received field. Undefined: it isn't SES's. Where Haraka may have broken the line, it is read with the break and
 * without it: what differs is a fault. So is a line in which a break hides SES's host: the next line may be forged.
 */
export function readSesReceivedField({ raw, joined }: Field): SesReceivedResult | undefined {
  const received = readSesReceived(raw)
  if (joined !== undefined && !isDeepStrictEqual(readSesReceived(joined), received)) return UNREADABLE
  if (received !== undefined) return received
  return LIKE_SQUEEZED_SES_HOST.test(raw.replace(/\s+/g, '')) ? UNREADABLE : undefined
}

/**
 * `value`: of a Received field, unfolded. Undefined: it names no host of SES behind a `by`, so it isn't SES's.
 *
 * It is read from its end, where SES wrote: date, `for`, id, `by`. The sender's HELO comes before these, and the
 * recipient, which the sender chose too, is taken off exactly, quoted or not.
 */
export function readSesReceived(value: string): SesReceivedResult | undefined {
  // also where it stands in a HELO or a quoted recipient: better no receipt than the next line's, which may be forged
  if (sesHosts(words(value)).length === 0) return undefined
  // the sender's first line may continue the field, as the HELO may pose as its beginning
  if ((value.match(ANY_DATE)?.length ?? 0) > 1) return { fault: "SES's Received line has two dates" }
  const { head, dateText } = cutDate(value)
  const { rest, forRecipient } = cutFor(head)
  const all = words(rest)
  const hosts = sesHosts(all)
  const at = hosts.at(-1)
  const client = at === undefined ? undefined : readClient(all.slice(0, at - 1).join(' '))
  // with a second host in the line, one that isn't directly behind the client may be a piece of an odd recipient
  if (at === undefined || (hosts.length > 1 && !client)) return UNREADABLE
  const host = SES_HOST.exec(all[at] ?? '')
  const region = host?.[2]?.toLowerCase() ?? ''
  if (!REGION.test(region)) return { fault: "SES's Received line has no readable region" }
  const sesId = readId(all.slice(at + 1))
  if (sesId === undefined) return { fault: "SES's Received line has no readable id" }
  const receivedAtMs = parseDate(dateText)
  if (receivedAtMs === undefined) return { fault: "SES's Received line has no readable date" }
  return {
    form: host?.[1]?.toLowerCase() === 'inbound-smtp' ? 'classic' : 'mail-manager',
    sesId,
    sesIdIsUsual: USUAL_ID.test(sesId),
    region,
    receivedAtMs,
    ...(forRecipient !== undefined && { forRecipient }),
    ...(client && { client }),
  }
}

/** The recipient that a Received field names behind `for`, without angle brackets, as readSesReceived takes it. */
export function recipientIn(value: string): string | undefined {
  return cutFor(cutDate(value).head).forRecipient
}

/** Milliseconds since the epoch of a date with its zone (RFC 5322 section 3.3); undefined: no such date. */
export function parseDate(text: string): number | undefined {
  const match = DATE.exec(words(text).join(' '))
  if (match === null) return undefined
  const number = (group: number) => Number(match[group] ?? 0)
  const [year, month, day] = [number(3), MONTHS.indexOf(match[2] ?? ''), number(1)]
  const [hour, minute, second] = [number(4), number(5), number(6)]
  if (year < 1970 || month < 0 || hour > 23 || minute > 59 || second > 60) return undefined
  // 31 Feb would become a day in March
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

/** Where in the words what looks like a host of SES stands behind a `by`. */
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

/** Takes ` for address` off the end: the address read backwards, so that nothing before it can widen or narrow it. */
function cutFor(head: string): { rest: string; forRecipient?: string } {
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

/** Where the local part that ends before `at` begins; undefined: it is neither one word nor one quoted string. */
function localStart(text: string, at: number): number | undefined {
  let start = at - 1
  if (text[start] === '"') {
    // an inner quote has an odd number of backslashes before it (RFC 5321 section 4.1.2, quoted-pairSMTP)
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

/** `with SMTP id ID`, then nothing, a comment, or a `for` that can't be read, without anything that poses as more. */
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

/** `from HELO (name [ip])`: read from the end, since a HELO may hold anything. */
function readClient(text: string): Receipt['client'] | undefined {
  const open = text.lastIndexOf(' (')
  if (!/^from /i.test(text) || open < 5 || !text.endsWith('])')) return undefined
  const inner = text.slice(open + 2, -2)
  const bracket = inner.lastIndexOf('[')
  const ip = inner.slice(bracket + 1).replace(/^IPv6:/i, '')
  if (bracket < 0 || isIP(ip) === 0) return undefined
  return { helo: text.slice(5, open), name: inner.slice(0, bracket).trim(), ip }
}

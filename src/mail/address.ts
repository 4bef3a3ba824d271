// Normal forms of mail addresses and domains: for comparing them, and for SendBounce.
// Never throws: for a text that isn't an address, a function returns undefined or the text itself.

import { isIPv4 } from 'node:net'
import { domainToASCII } from 'node:url'
import { getDomain } from 'tldts'
import type { AddressKey, AsciiDomain } from '../units'
import { composed } from './composed'

export interface Address {
  /** The local part as written, quotes and escapes included. */
  local: string
  /** The domain as written. */
  domain: string
}

/** RFC 5321 section 4.5.3.1.2, in octets. */
const DOMAIN_LIMIT = 255
/** Some existing host names have underscores, though RFC 1123 section 2.1 forbids them. */
const ASCII_DOMAIN = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/
/** RFC 5321 section 4.1.3: `[192.0.2.1]`, `[IPv6:2001:db8::1]`. */
const ADDRESS_LITERAL = /^\[[a-z0-9.:-]+\]$/
/** RFC 5322 section 3.2.3: printable ASCII but the specials. Dots may be anywhere, as some providers allow. */
const ASCII_DOT_STRING = /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~.]+$/
/** An address of which each part is in its normal form but for its case: most are. */
const PLAIN_ADDRESS = /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~.]+@[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/
/** RFC 5321 section 4.1.2: Quoted-string. */
const ASCII_QUOTED_STRING = /^"[ !#-[\]-~]*(?:\\[ -~][ !#-[\]-~]*)*"$/
/** ASCII characters that no host name has: all except letters, digits, `.`, `-` and `_`. */
const NOT_IN_DOMAIN = /[!-,/:-@[-^`{-~\s]/

/** ASCII control characters only. RFC 6531 allows all others, C1 controls too, and rules must see such addresses. */
const ASCII_CONTROL = /[^ -~\u0080-\u{10ffff}]/u

/**
 * Splits `local@domain` at the last `@` outside quotes and address literals. Removes angle brackets around the address.
 * Undefined: not an address (a part is missing, a quote isn't closed, control characters, or blanks or brackets outside
 * quotes).
 */
export function parseAddress(text: string): Address | undefined {
  const address = withoutBrackets(text)
  const at = ASCII_CONTROL.test(address) ? undefined : splitAt(address)
  if (at === undefined) return undefined
  const local = address.slice(0, at)
  const domain = address.slice(at + 1)
  return local === '' || /^$|["<>\s]/.test(domain) ? undefined : { local, domain }
}

/** Addresses with equal keys are one mailbox: quoting, escapes, case, U-labels and Unicode normalization don't count. */
export function addressKey(written: string): AddressKey {
  if (isPlainAddress(written)) return written.toLowerCase() as AddressKey
  const text = composed(written)
  const address = parseAddress(text)
  if (address === undefined) return withoutBrackets(text).toLowerCase() as AddressKey
  const domain = asciiDomain(address.domain) ?? address.domain.toLowerCase()
  return `${unquoted(address.local).toLowerCase()}@${domain}` as AddressKey
}

/** The address's domain as A-labels in lower case. Undefined: it has none. */
export function domainOf(text: string): AsciiDomain | undefined {
  if (isPlainAddress(text)) return text.slice(text.indexOf('@') + 1).toLowerCase() as AsciiDomain
  const address = parseAddress(text)
  return address && asciiDomain(address.domain)
}

/**
 * The domain as A-labels in lower case without a final dot, or an address literal in lower case.
 * Undefined: not a domain.
 */
export function asciiDomain(text: string): AsciiDomain | undefined {
  const domain = (text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase()
  if (domain.length > DOMAIN_LIMIT) return undefined
  if (ASCII_DOMAIN.test(domain) || ADDRESS_LITERAL.test(domain)) return domain as AsciiDomain
  // domainToASCII parses URLs: it would decode `%61`, and read wide digits as an IPv4 address
  if (NOT_IN_DOMAIN.test(domain)) return undefined
  const ascii = domainToASCII(domain)
  const isDomain = ASCII_DOMAIN.test(ascii) && !isIPv4(ascii) && ascii.length <= DOMAIN_LIMIT
  return isDomain ? (ascii as AsciiDomain) : undefined
}

export function isSubdomainOrSame(domain: AsciiDomain, parent: AsciiDomain): boolean {
  return domain === parent || (parent !== '' && domain.endsWith(`.${parent}`))
}

/**
 * The organisational domain, RFC 7489 section 3.2: one label more than the public suffix (Mozilla's list, private
 * suffixes included). A public suffix or an address literal is returned unchanged.
 */
export function organisationalDomain(domain: AsciiDomain): AsciiDomain {
  if (domain.startsWith('[')) return domain
  const options = { allowPrivateDomains: true, extractHostname: false, validateHostname: false }
  return (getDomain(domain, options) as AsciiDomain | null) ?? domain
}

/**
 * The address in a form that SES accepts: printable ASCII, the domain as A-labels, the local part as written.
 * Undefined: it can't be written in ASCII, or it has specials or blanks outside quotes.
 */
export function asciiAddress(text: string): string | undefined {
  const address = parseAddress(text)
  const domain = address && asciiDomain(address.domain)
  if (address === undefined || domain === undefined) return undefined
  const isPlain = ASCII_DOT_STRING.test(address.local) || ASCII_QUOTED_STRING.test(address.local)
  if (!isPlain) return undefined
  // an ASCII domain stays as written: SES may compare letter by letter
  return `${address.local}@${/^[ -~]*$/.test(address.domain) ? address.domain : domain}`
}

/** The key of a usual address: ASCII, without quotes. Undefined: the text is any other. */
export function plainKey(text: string): AddressKey | undefined {
  return isPlainAddress(text) ? (text.toLowerCase() as AddressKey) : undefined
}

function isPlainAddress(text: string): boolean {
  return text.length <= DOMAIN_LIMIT && PLAIN_ADDRESS.test(text)
}

/** `user@host` for both `<user@host>` and `user@host`. */
export function withoutBrackets(text: string): string {
  const trimmed = text.trim()
  return trimmed.startsWith('<') && trimmed.endsWith('>') ? trimmed.slice(1, -1).trim() : trimmed
}

/** Index of the `@` before the domain. Undefined: there is none, or the text isn't an address. */
function splitAt(text: string): number | undefined {
  // the literal itself may hold an `@` (RFC 5322 section 3.4.1)
  const end = text.endsWith(']') ? text.lastIndexOf('@[') + 1 || text.length : text.length
  let at: number | undefined
  let quoted = false
  for (let i = 0; i < end; i++) {
    const char = text[i]
    if (quoted && char === '\\') i++
    else if (char === '"') quoted = !quoted
    else if (quoted) continue
    else if (char === '@') at = i
    else if (char === '<' || char === '>' || char?.trim() === '') return undefined
  }
  return quoted ? undefined : at
}

function unquoted(local: string): string {
  return local.includes('"') ? local.replace(/\\(.)|"/gsu, '$1') : local
}

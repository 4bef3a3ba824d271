// Normal forms of mail addresses and domains, for comparing and for giving them to SES.
// Never throws: text that isn't an address is undefined, or is returned as it is.

import { isIPv4 } from 'node:net'
import { domainToASCII } from 'node:url'
import { getDomain } from 'tldts'
import { composed } from './composed'

export interface Address {
  /** As written, quotes and escapes included. */
  local: string
  /** As written. */
  domain: string
}

/** RFC 5321 section 4.5.3.1.2, in octets. */
const DOMAIN_LIMIT = 255
/** Underscores stand in host names that do exist, whatever RFC 1123 section 2.1 says. */
const ASCII_DOMAIN = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/
/** RFC 5321 section 4.1.3: `[192.0.2.1]`, `[IPv6:2001:db8::1]`. */
const ADDRESS_LITERAL = /^\[[a-z0-9.:-]+\]$/
/** RFC 5322 section 3.2.3: printable ASCII but for the specials; dots anywhere, as some hosts give them out. */
const ASCII_DOT_STRING = /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~.]+$/
/** RFC 5321 section 4.1.2: Quoted-string. */
const ASCII_QUOTED_STRING = /^"[ !#-[\]-~]*(?:\\[ -~][ !#-[\]-~]*)*"$/
/** ASCII characters that no host name has: all but letters, digits, `.`, `-` and `_`. */
const NOT_IN_DOMAIN = /[!-,/:-@[-^`{-~\s]/

/** RFC 6531 lets any character beyond ASCII through, C1 controls too: rules must see these addresses. */
const ASCII_CONTROL = /[^ -~\u0080-\u{10ffff}]/u

/**
 * Splits `local@domain` at the last `@` outside quotes and address literals; angle brackets around it are taken off.
 * Undefined: no address (a part is empty or missing, quotes don't close, blanks or brackets outside quotes, control characters).
 */
export function parseAddress(text: string): Address | undefined {
  const address = withoutBrackets(text)
  const at = ASCII_CONTROL.test(address) ? undefined : splitAt(address)
  if (at === undefined) return undefined
  const local = address.slice(0, at)
  const domain = address.slice(at + 1)
  return local === '' || /^$|["<>\s]/.test(domain) ? undefined : { local, domain }
}

/** Two addresses are the same mailbox when their keys are equal: quoting, escapes, case, U-labels and Unicode's forms don't count. */
export function addressKey(written: string): string {
  const text = composed(written)
  const address = parseAddress(text)
  if (address === undefined) return withoutBrackets(text).toLowerCase()
  const domain = asciiDomain(address.domain) ?? address.domain.toLowerCase()
  return `${unquoted(address.local).toLowerCase()}@${domain}`
}

/** The address's domain as A-labels in lower case; undefined where there is none. */
export function domainOf(text: string): string | undefined {
  const address = parseAddress(text)
  return address && asciiDomain(address.domain)
}

/**
 * A-labels in lower case, without a dot at the end; an address literal in lower case.
 * Undefined: no domain.
 */
export function asciiDomain(text: string): string | undefined {
  const domain = (text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase()
  if (domain.length > DOMAIN_LIMIT) return undefined
  if (ASCII_DOMAIN.test(domain) || ADDRESS_LITERAL.test(domain)) return domain
  // domainToASCII parses URLs: it would read `%61` as a letter, and wide digits as an IPv4 address
  if (NOT_IN_DOMAIN.test(domain)) return undefined
  const ascii = domainToASCII(domain)
  return ASCII_DOMAIN.test(ascii) && !isIPv4(ascii) && ascii.length <= DOMAIN_LIMIT ? ascii : undefined
}

/** Both as A-labels in lower case. */
export function isSubdomainOrSame(domain: string, parent: string): boolean {
  return domain === parent || (parent !== '' && domain.endsWith(`.${parent}`))
}

/**
 * The domain below the public suffix (Mozilla's list, private suffixes included), which stands for the organisation:
 * RFC 7489 section 3.2. A public suffix and an address literal stand for themselves.
 */
export function organisationalDomain(domain: string): string {
  if (domain.startsWith('[')) return domain
  const options = { allowPrivateDomains: true, extractHostname: false, validateHostname: false }
  return getDomain(domain, options) ?? domain
}

/**
 * The address as it may be given to SES: printable ASCII, the domain as A-labels, the local part as written.
 * Undefined: SES couldn't take it, or it wouldn't stay one address (specials or blanks outside quotes).
 */
export function asciiAddress(text: string): string | undefined {
  const address = parseAddress(text)
  const domain = address && asciiDomain(address.domain)
  if (address === undefined || domain === undefined) return undefined
  const isPlain = ASCII_DOT_STRING.test(address.local) || ASCII_QUOTED_STRING.test(address.local)
  if (!isPlain) return undefined
  // unchanged where possible: SES may compare letter by letter
  return `${address.local}@${/^[ -~]*$/.test(address.domain) ? address.domain : domain}`
}

/** `<user@host>` and `user@host` alike as the latter. */
export function withoutBrackets(text: string): string {
  const trimmed = text.trim()
  return trimmed.startsWith('<') && trimmed.endsWith('>') ? trimmed.slice(1, -1).trim() : trimmed
}

/** Where the `@` before the domain stands; undefined: nowhere, or the text is no address. */
function splitAt(text: string): number | undefined {
  // an `@` may stand in the literal itself (RFC 5322 section 3.4.1)
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

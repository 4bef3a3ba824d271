// Parsers of lists in ses-bounce.ini: addresses of relays, domains, words, regions.
// Nothing throws: the fault names every wrong item, not only the first.

import { isIP, isIPv4 } from 'node:net'
import { domainToASCII } from 'node:url'
import { splitItems } from './items'
import { quoted, type ValueParser } from './value-parsers'

/** Addresses and CIDR ranges as written, in lower case. */
export const cidrList = list('addresses and ranges: 192.0.2.1, 192.0.2.0/24, 2001:db8::/32', text =>
  isCidr(text) ? text.toLowerCase() : undefined,
)

/** The prefix of a domain that includes its subdomains. */
export const SUBDOMAINS = '@.'

/** Domains as A-labels in lower case; `@.` before one stays. */
export const domainList = list('domains: example.com, @.example.org (with its subdomains)', text => {
  if (!text.startsWith(SUBDOMAINS)) return aLabels(text)
  const domain = aLabels(text.slice(SUBDOMAINS.length))
  return domain === undefined ? undefined : SUBDOMAINS + domain
})

/**
 * Patterns for domains: `example.com`, `@.example.com` (with its subdomains), `*.example.com`; at least one. An `@` before
 * a domain is left out.
 */
export const domainPatterns: ValueParser<string[]> = notEmpty(
  list('domains: example.org, @.example.org (with its subdomains), *.example.net', text => {
    const [, at = '', domain = ''] = /^(@\.|@)?(.+)$/s.exec(text) ?? []
    const read = /[*?]/.test(domain) && at !== SUBDOMAINS ? globLabels(domain) : aLabels(domain)
    return read === undefined || at !== SUBDOMAINS ? read : SUBDOMAINS + read
  }),
)

/** Names of hosts, without a port; A-labels in lower case. */
export const hostList = list('names of hosts, without a port: mail.example.com', aLabels)

/** Words as written. */
export const wordList = list('names, separated by commas', text => text)

/** Local parts and whole addresses, in lower case. */
export const recipientList = list('local parts or addresses: postmaster, abuse@example.com', text =>
  /^[^@\s]+(?:@[^@\s]+)?$/.test(text) ? text.toLowerCase() : undefined,
)

/** The form of AWS's region names: eu-west-1, us-gov-west-1, eusc-de-east-1. */
const REGION = /^[a-z]{2,8}(?:-[a-z]{1,12}){1,3}-\d{1,2}$/

export const regionList = list('names of AWS regions: eu-west-1, us-east-1', text =>
  REGION.test(text.toLowerCase()) ? text.toLowerCase() : undefined,
)

/** A range that holds every address there is. */
export function isEverybody(range: string): boolean {
  return /\/0+$/.test(range)
}

/** A parser of lists. The list may be empty, and a repeated item is kept once. */
function list(form: string, readItem: (text: string) => string | undefined): ValueParser<string[]> {
  return {
    form,
    read(raw, key) {
      const { items, fault } = splitItems(raw)
      if (fault !== undefined) return { fault: `${key}: ${fault}` }
      const read = items.map(item =>
        item.form === 'regex' || item.text === '' ? undefined : readItem(item.text),
      )
      const wrong = items.filter((_, index) => read[index] === undefined).map(item => quoted(item.text))
      if (wrong.length > 0) {
        const what = wrong.length === 1 ? 'unknown value' : 'unknown values'
        return { fault: `${what} ${wrong.join(', ')} for ${key}; ${form}` }
      }
      return { value: [...new Set(read.filter(text => text !== undefined))] }
    },
  }
}

function notEmpty<T>(parser: ValueParser<T[]>): ValueParser<T[]> {
  return {
    form: parser.form,
    read(raw, key) {
      const read = parser.read(raw, key)
      return 'value' in read && read.value.length === 0 ? { fault: `${key} is empty; ${parser.form}` } : read
    },
  }
}

/** Labels without a wildcard as A-labels. */
function globLabels(text: string): string | undefined {
  const labels = text
    .replace(/\.$/, '')
    .split('.')
    .map(label => {
      if (!/[*?]/.test(label)) return aLabels(label)
      return /^[a-z\d_*?-]{1,63}$/i.test(label) ? label.toLowerCase() : undefined
    })
  const domain = labels.includes(undefined) ? undefined : labels.join('.')
  return domain !== undefined && domain.length <= 253 ? domain : undefined
}

function isCidr(text: string): boolean {
  const slash = text.indexOf('/')
  const address = slash < 0 ? text : text.slice(0, slash)
  const bits = isIP(address) === 4 ? 32 : 128
  // a zone (fe80::1%eth0) means a different network on each machine, and a peer's address has none
  if (isIP(address) === 0 || address.includes('%')) return false
  return slash < 0 || (/^\d{1,3}$/.test(text.slice(slash + 1)) && Number(text.slice(slash + 1)) <= bits)
}

/** RFC 1035 section 2.3.4: 63 octets a label, 253 characters a name. */
function aLabels(text: string): string | undefined {
  // domainToASCII parses URLs, and would accept more than a domain
  const ascii = /^[\p{L}\p{M}\p{N}._-]+$/u.test(text) ? domainToASCII(text).replace(/\.$/, '') : ''
  const isDomain = ascii.split('.').every(label => /^[a-z\d_](?:[a-z\d_-]{0,61}[a-z\d_])?$/.test(label))
  return isDomain && ascii.length <= 253 && !isIPv4(ascii) ? ascii : undefined
}

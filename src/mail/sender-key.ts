// One key for a sender that uses a new address for each mail, so that its bounces can be counted ([limit] per_sender).
// Never throws. Rarely, two senders have one key; a sender has two keys only with addresses of different forms.

import type { AsciiDomain } from '../units'
import { addressKey, domainOf, organisationalDomain } from './address'
import type { SesAuthentication } from './facts'

/**
 * Bounce Address Tag Validation (draft-levine-smtp-batv): `prvs=0123abcdef=user`, `btv1==0123abcdef==user`, and
 * SparkPost's `msprvs1=0123abcdef=user`.
 */
const BATV = /^(?:(?:ms)?prvs\d?=[^=]*=|btv1==[^=]*==)(.+)$/
/** BATV in its first drafts: `prvs=user/0123abcdef`. */
const OLD_BATV = /^prvs=([^=/]+)\/[0-9a-z]+$/
/**
 * Sender Rewriting Scheme: `SRS0=hash=time=host=user`, `SRS1=hash=host==hash=time=host=user`, also with `+` or `-`
 * after the name.
 */
const SRS = /^srs[01][=+-].*?[^=]=([a-z0-9]{2})=([^=]+)=(.+)$/
/** A counter, a time or a hash: 5 or more digits, or 12 or more hexadecimal characters and dashes with a digit. */
const VARYING = /(?=[a-f-]*\d)[0-9a-f-]{12,}|\d{5,}/g

/** RFC 5321 section 4.5.3.1: 64 octets before the `@`, 255 behind it. */
const LONGEST = 320

/** Separates the address key and a domain: neither can hold it. */
const SEPARATOR = ' '
/** The character after it in ASCII. */
const AFTER_SEPARATOR = '!'

/**
 * `address`: not the null sender. Mail providers use one return domain for all customers. So if SES's results prove
 * another organisational domain than the sender's, it becomes part of the key, and each customer is a sender of its
 * own.
 */
export function senderKey(address: string, authentication?: SesAuthentication): string {
  const plain = plainKey(address)
  const customer = authentication && otherProvedDomain(domainOf(plain) ?? '', authentication)
  return customer === undefined ? plain : plain + SEPARATOR + customer
}

/** All keys of an address: `plain`, and every key between `above` and `below`. */
export function senderKeys(address: string): { plain: string; above: string; below: string } {
  const plain = plainKey(address)
  return { plain, above: plain + SEPARATOR, below: plain + AFTER_SEPARATOR }
}

/** A proved domain of another organisation: header.from of a DMARC pass, else the first DKIM pass. */
function otherProvedDomain(
  domain: AsciiDomain,
  { dmarcDomain, dkimDomains }: SesAuthentication,
): AsciiDomain | undefined {
  const own = organisationalDomain(domain)
  const proved = dmarcDomain === undefined ? dkimDomains : [dmarcDomain, ...dkimDomains]
  return proved.map(organisationalDomain).find(other => other !== own)
}

function plainKey(address: string): string {
  const key = addressKey(address.slice(0, LONGEST))
  const domain = domainOf(key) ?? ''
  const local = key.slice(0, key.length - domain.length - 1)
  return `${plainLocal(local)}@${domain}`
}

function plainLocal(local: string): string {
  const [, tagged] = BATV.exec(local) ?? OLD_BATV.exec(local) ?? []
  if (tagged !== undefined) return plainLocal(tagged)
  const [, , host, user] = SRS.exec(local) ?? []
  if (host !== undefined && user !== undefined) return `${plainLocal(user)}=${host}`
  // Variable Envelope Return Path: `list-bounces+user=example.com`, `bounce-123456-user=example.com`
  const [name = ''] = local.split(/[+=]/, 1)
  return (name === '' ? local : name).replace(VARYING, '#')
}

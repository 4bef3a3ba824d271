// One name for a sender that gives itself a new address for each mail, so that the bounces to it can be counted.
// Never throws. Two people may rarely get the same name; one person gets a new one only with an address of another form.

import { addressKey, domainOf, organisationalDomain } from './address'
import type { SesAuthentication } from './facts'

/**
 * Bounce address tag validation (draft-levine-smtp-batv): `prvs=0123abcdef=user`, `btv1==0123abcdef==user`, and
 * SparkPost's `msprvs1=0123abcdef=user`.
 */
const BATV = /^(?:(?:ms)?prvs\d?=[^=]*=|btv1==[^=]*==)(.+)$/
/** Of its first drafts: `prvs=user/0123abcdef`. */
const OLD_BATV = /^prvs=([^=/]+)\/[0-9a-z]+$/
/** Sender rewriting scheme: `SRS0=hash=time=host=user`, `SRS1=hash=host==hash=time=host=user`; `+` and `-` may stand behind the name. */
const SRS = /^srs[01][=+-].*?[^=]=([a-z0-9]{2})=([^=]+)=(.+)$/
/** What a counter, a time or a hash leaves: 5 digits and more, or 12 characters of hexadecimal and dashes with a digit. */
const VARYING = /(?=[a-f-]*\d)[0-9a-f-]{12,}|\d{5,}/g

/** RFC 5321 section 4.5.3.1: 64 octets before the `@`, 255 behind it. */
const LONGEST = 320

/** Stands in no address key's domain, and in no domain. */
const BEHIND_ADDRESS = ' '
/** The character behind it. */
const BEHIND_KEYS = '!'

/**
 * Of an address that isn't the null sender. A provider returns the mail of all its customers to one domain of its own:
 * where SES's results prove another organisational domain than the sender's, that customer is a sender of its own.
 */
export function senderKey(address: string, authentication?: SesAuthentication): string {
  const plain = plainKey(address)
  const customer = authentication && provedBeside(domainOf(plain) ?? '', authentication)
  return customer === undefined ? plain : plain + BEHIND_ADDRESS + customer
}

/** All keys of an address: the plain one, and those between the other two. */
export function senderKeys(address: string): { plain: string; above: string; below: string } {
  const plain = plainKey(address)
  return { plain, above: plain + BEHIND_ADDRESS, below: plain + BEHIND_KEYS }
}

/** `header.from` of a DMARC pass, else the first DKIM pass for another organisation. */
function provedBeside(domain: string, { dmarcDomain, dkimDomains }: SesAuthentication): string | undefined {
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
  // variable envelope return path: `list-bounces+user=example.com`, `bounce-123456-user=example.com`
  const [name = ''] = local.split(/[+=]/, 1)
  return (name === '' ? local : name).replace(VARYING, '#')
}

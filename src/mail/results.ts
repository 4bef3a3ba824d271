// Reads Received-SPF and Authentication-Results as SES writes them, by a narrow grammar.
// The sender chooses many of their words (domains, HELO, address), so a text with two readings is unreadable.

import type { AsciiDomain } from '../units'
import { asciiDomain } from './address'

export interface SpfResult {
  /** `pass`, `fail`, `none`, ..., in lower case. */
  word: string
  clientIp: string
  /** The address as SES has written it. */
  envelopeFrom: string
  helo: string
}

export interface MethodResult {
  word: string
  /** The domain as A-labels in lower case. Undefined: no domain, or an unknown property. */
  domain?: AsciiDomain
}

export interface AuthenticationResults {
  spf: SpfResult
  /** One for each signature, in order. */
  dkim: MethodResult[]
  dmarc?: MethodResult
}

/**
 * `pass (comment) client-ip=192.0.2.7; envelope-from=a@b.example; helo=h.example;`. The comment names a domain that the
 * sender's SPF record may choose, so it may not hold brackets or quotes. A quoted local part may hold anything.
 */
const SPF =
  /^([a-z_-]+)(?:\s+\([^()"\\;]*\))?\s+client-ip=([\da-f.:]+);\s+envelope-from=("(?:[^"\\]|\\.)*"@[^\s;"@()<>,\\]+|[^\s;"@()<>,\\]+@[^\s;"@()<>,\\]+);(?:\s+helo=([\w.:[\]-]*)(?:;|$))?/i
/** RFC 8601 section 2.5: SES's authserv-id is `amazonses.com`. */
const BEFORE_SPF = /^amazonses\.com;\s*spf=/
/** A comment without characters that could begin or end another element. */
const COMMENT = /\([^()"\\;<>]*\)/g
const AMBIGUOUS = /["()\\<>,]/
const METHOD = /^([a-z][a-z\d-]*)=([a-z_-]+)$/i
const PROPERTY = /^([a-z][a-z\d.-]*)=(\S+)$/i
/** Properties that name the proved domain, RFC 8601 section 2.7.1. */
const IDENTITIES = ['header.i', 'header.d', 'header.from']
/** RFC 8601 section 2.7.1, RFC 6008 section 3: they identify the signature and prove no domain. */
const NEUTRAL_PROPERTIES = ['header.s', 'header.b', 'header.a']
/** If one of these comes after SPF's result, a value of the sender's must have ended that result too early. */
const OF_SPF = ['spf', 'client-ip', 'envelope-from', 'helo', 'smtp.mailfrom', 'smtp.helo']

/** `value`: of SES's Received-SPF. Undefined: unreadable. */
export function readReceivedSpf(value: string): SpfResult | undefined {
  const { result, rest } = spfAtStart(value.trim()) ?? {}
  return rest === '' ? result : undefined
}

/** `value`: of SES's Authentication-Results. Undefined: unreadable, or another server's. */
export function readAuthenticationResults(value: string): AuthenticationResults | undefined {
  const text = value.trim()
  const before = BEFORE_SPF.exec(text)?.[0]
  const spf = before === undefined ? undefined : spfAtStart(text.slice(before.length))
  if (spf === undefined) return undefined
  const behind = spf.rest.replace(COMMENT, ' ')
  if (AMBIGUOUS.test(behind)) return undefined
  const results: AuthenticationResults = { spf: spf.result, dkim: [] }
  for (const statement of behind.split(';')) {
    const [first, ...properties] = statement.split(/\s+/).filter(word => word !== '')
    if (first === undefined) continue
    const [, method, word] = METHOD.exec(first) ?? []
    const identity = identityIn(properties)
    if (method === undefined || word === undefined || identity === undefined) return undefined
    if (OF_SPF.includes(method.toLowerCase())) return undefined
    const result = { word: word.toLowerCase(), ...identity }
    if (method.toLowerCase() === 'dkim') results.dkim.push(result)
    else if (method.toLowerCase() !== 'dmarc') continue
    else if (results.dmarc) return undefined
    else results.dmarc = result
  }
  return results
}

function spfAtStart(text: string): { result: SpfResult; rest: string } | undefined {
  const match = SPF.exec(text)
  if (match === null) return undefined
  const [all, word = '', clientIp = '', envelopeFrom = '', helo = ''] = match
  return { result: { word: word.toLowerCase(), clientIp, envelopeFrom, helo }, rest: text.slice(all.length) }
}

/** The domain of one result, at most one. Undefined: there are two ways to read it. */
function identityIn(properties: readonly string[]): Pick<MethodResult, 'domain'> | undefined {
  const domains: AsciiDomain[] = []
  let isKnown = true
  for (const property of properties) {
    const [, written, value] = PROPERTY.exec(property) ?? []
    const key = written?.toLowerCase()
    if (key === undefined || value === undefined || OF_SPF.includes(key)) return undefined
    if (IDENTITIES.includes(key)) {
      const domain = domainOfIdentity(value)
      if (domain === undefined) return undefined
      domains.push(domain)
    } else if (!NEUTRAL_PROPERTIES.includes(key)) isKnown = false
  }
  const [domain, ...more] = domains
  // the address in a signature may itself hold `header.i=`
  if (more.length > 0) return undefined
  return isKnown && domain !== undefined ? { domain } : {}
}

/** Reads `@domain`, `user@domain` and `domain`. */
function domainOfIdentity(value: string): AsciiDomain | undefined {
  const parts = value.split('@')
  return parts.length > 2 ? undefined : asciiDomain(parts.at(-1) ?? '')
}

// Finds the domains that SES's results prove. Only closed results count, and only if they agree with SES's Received and
// Return-Path. A contradiction, a doubt or a missing result proves nothing; `flaw` gives the reason.

import { isIPv6 } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import { addressKey, domainOf } from './address'
import type { Receipt, SesAuthentication } from './facts'
import { type AuthenticationResults, readAuthenticationResults, readReceivedSpf } from './results'
import type { ClosedBlock } from './ses-block'
import type { Field } from './split-fields'

/** Reasons why nothing is proved: texts for the log. */
export const ODD_CLIENT = "the client's HELO or name isn't a host name"
export const UNREADABLE = "SES's results can't be read in one way only"
export const OTHER_CLIENT = "SES's results name another client than its Received line"
export const OTHER_SENDER = "SES's results name another sender than its Return-Path"

/** A host name or an address literal (RFC 5321 section 4.1.1.1). Real host names hold underscores too. */
const HOST_NAME = /^[\w.:[\]-]*$/

/** Values of SES's trace fields. SES's results must agree with them. */
export interface Trace {
  client: Receipt['client'] | undefined
  /** '' is the null sender. */
  returnPath: string | undefined
}

export function readClosedResults(
  block: ClosedBlock,
  { client, returnPath }: Trace,
): { results: AuthenticationResults } | { flaw: string } {
  // SES writes both into its results, so `; dkim=pass` in one of them would look like a result
  if (client === undefined || !HOST_NAME.test(client.helo) || !HOST_NAME.test(client.name))
    return { flaw: ODD_CLIENT }
  const spf = unambiguous(block.spf, readReceivedSpf)
  const results = unambiguous(block.authentication, readAuthenticationResults)
  if (spf === undefined || results === undefined) return { flaw: UNREADABLE }
  // apart from the comment SES writes the same result into both fields
  if (!isDeepStrictEqual(spf, results.spf)) return { flaw: UNREADABLE }
  if (plainIp(spf.clientIp) !== plainIp(client.ip)) return { flaw: OTHER_CLIENT }
  return isFrom(spf.envelopeFrom, returnPath) ? { results } : { flaw: OTHER_SENDER }
}

export function provedBy({ spf, dkim, dmarc }: AuthenticationResults): SesAuthentication {
  const spfDomain = spf.word === 'pass' ? domainOf(spf.envelopeFrom) : undefined
  const passed = dkim.flatMap(({ word, domain }) => (word === 'pass' && domain !== undefined ? [domain] : []))
  return {
    ...(spfDomain !== undefined && { spfDomain }),
    dkimDomains: [...new Set(passed)],
    ...(dmarc?.word === 'pass' && dmarc.domain !== undefined && { dmarcDomain: dmarc.domain }),
  }
}

/** Haraka may have broken the field's lines. Undefined: the field reads differently with these breaks and without. */
export function unambiguous<T>(
  { raw, joined }: Field,
  read: (value: string) => T | undefined,
): T | undefined {
  const found = read(raw)
  return joined === undefined || isDeepStrictEqual(read(joined), found) ? found : undefined
}

/** For the null sender SES writes postmaster@ and the client's HELO (RFC 7208 section 2.4). */
function isFrom(envelopeFrom: string, returnPath: string | undefined): boolean {
  if (returnPath === undefined) return false
  if (returnPath === '') return envelopeFrom.toLowerCase().startsWith('postmaster@')
  return domainOf(envelopeFrom) !== undefined && addressKey(envelopeFrom) === addressKey(returnPath)
}

function plainIp(ip: string): string {
  // `new URL` writes 2001:db8:0::1 as 2001:db8::1
  return isIPv6(ip) ? new URL(`http://[${ip}]`).hostname : ip
}

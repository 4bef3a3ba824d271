// The domains that SES receives for: Haraka's host_list and host_list_regex, and [relay] domains.
// Compiling never throws: a line that can't be used becomes a diagnostic with its place.

import type { Diagnostic } from '../config/diagnostics'
import { SUBDOMAINS } from '../config/list-parsers'
import { quoted } from '../config/value-parsers'
import { asciiDomain, organisationalDomain } from '../mail/address'
import { someParent } from '../policy/address-patterns'
import type { AsciiDomain } from '../units'
import { DomainExpressions } from './domain-expressions'

export interface OwnDomains {
  /** The domains that are named one by one (A-labels, lower case). Others may be ours too. */
  names: readonly string[]
  /** `domain`: A-labels, lower case. */
  receivesFor: (domain: AsciiDomain) => boolean
  /** Whether one of our domains belongs to the same organisation (public suffix list) as this one. */
  isOfOwnOrganisation: (domain: AsciiDomain) => boolean
}

/** A domain of ours that is named. */
export interface NamedDomain {
  domain: AsciiDomain
  withSubdomains: boolean
  /** In host_list. Undefined: [relay] domains has it. */
  line?: number
}

export const HOST_LIST = 'host_list'
export const HOST_LIST_REGEX = 'host_list_regex'

/** `relayDomains`: as [relay] domains has them. `read`: the text of a file in Haraka's config directory. */
export function readOwnDomains(
  relayDomains: readonly string[],
  read: (name: string) => string | undefined,
): { ownDomains: OwnDomains; named: NamedDomain[]; diagnostics: Diagnostic[] } {
  const diagnostics: Diagnostic[] = []
  const named: NamedDomain[] = []
  const exact = new Set<AsciiDomain>()
  for (const { text, line } of linesOf(read(HOST_LIST))) {
    const written = text.replace(/[#;].*/, '').trim()
    const domain = asciiDomain(written)
    if (domain !== undefined) {
      if (!exact.has(domain)) named.push({ domain, withSubdomains: false, line })
      exact.add(domain)
    } else diagnostics.push({ severity: 'warning', file: HOST_LIST, line, message: noDomain(written) })
  }
  const parents = new Set<AsciiDomain>()
  for (const domain of relayDomains) {
    const withSubdomains = domain.startsWith(SUBDOMAINS)
    // the settings have A-labels
    const name = (withSubdomains ? domain.slice(SUBDOMAINS.length) : domain) as AsciiDomain
    if (withSubdomains || !exact.has(name)) named.push({ domain: name, withSubdomains })
    if (withSubdomains) parents.add(name)
    else exact.add(name)
  }
  const expressions = new DomainExpressions()
  for (const { text, line } of linesOf(read(HOST_LIST_REGEX))) {
    const fault = expressions.add(text)
    if (fault !== undefined)
      diagnostics.push({ severity: 'error', file: HOST_LIST_REGEX, line, message: fault })
  }
  const names = [...new Set([...exact, ...parents])]
  const organisations = new Set(names.map(organisationalDomain))
  const receivesFor = (domain: AsciiDomain): boolean =>
    exact.has(domain) ||
    (parents.size > 0 && someParent(domain, parent => parents.has(parent))) ||
    expressions.matches(domain)
  return {
    ownDomains: {
      names,
      receivesFor,
      isOfOwnOrganisation: domain => {
        const organisation = organisationalDomain(domain)
        return organisations.has(organisation) || receivesFor(organisation) || receivesFor(domain)
      },
    },
    named,
    diagnostics,
  }
}

function noDomain(text: string): string {
  return `${quoted(text)} isn't a domain, so it matches no mail; expressions belong in host_list_regex, and [relay] domains accepts @.example.com for all subdomains`
}

/** Reads a list like Haraka (haraka-config, readers/flat.js): whole lines can be comments. */
function linesOf(text = ''): { text: string; line: number }[] {
  return text
    .split(/\r\n|\r|\n/)
    .map((raw, index) => ({ text: raw.trim(), line: index + 1 }))
    .filter(({ text }) => text !== '' && !/^[;#]/.test(text))
}

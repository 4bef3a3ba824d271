// With accounts in the configuration, every domain of ours must be in one: errors for those that aren't, with their lines.
// Domains that only host_list_regex matches aren't known by name; a mail to one in no account gets [fallback] no_receipt.

import { type Diagnostic, didYouMean } from '../config/diagnostics'
import { SUBDOMAINS } from '../config/list-parsers'
import type { LoadedSettings } from '../config/load'
import type { Settings } from '../config/settings'
import { HOST_LIST, type NamedDomain } from '../haraka/own-domains'
import { type Accounts, NO_ACCOUNT } from '../policy/accounts'
import type { AsciiDomain } from '../units'

/** A label that stands for any, to ask about the subdomains of a domain. */
const ANY_LABEL = 'any-subdomain'

interface SettingsFile extends Pick<LoadedSettings, 'lineOf' | 'shown'> {
  file: string
}

export function accountDiagnostics(
  accounts: Accounts,
  settings: Settings,
  named: readonly NamedDomain[],
  { file, lineOf, shown }: SettingsFile,
): Diagnostic[] {
  if (accounts.isEmpty) return []
  // a hint shows no value of an environment variable
  const known = settings.accounts.flatMap(({ name, domains }) =>
    domains.filter(domain => shown(`account.${name}`, 'domains', domain) === domain),
  )
  return named.flatMap(({ domain, withSubdomains, line }) => {
    const account = accounts.of(domain)
    if (account !== undefined && !(withSubdomains && isOpenBelow(accounts, domain))) return []
    const name = line === undefined ? shown('relay', 'domains', domain) : domain
    const parent = name === domain ? SUBDOMAINS + domain : name
    const hint = (name === domain && didYouMean(domain, known)) || '; name it in domains of an [account.NAME]'
    const message =
      account === undefined
        ? `${withSubdomains ? parent : name}: ${NO_ACCOUNT}${hint}`
        : `subdomains of ${name}: ${NO_ACCOUNT}; write ${parent} in domains of [account.${account.name}]`
    return line === undefined
      ? [{ severity: 'error', file, line: lineOf('relay', 'domains') ?? 0, section: 'relay', message }]
      : [{ severity: 'error', file: HOST_LIST, line, message }]
  })
}

function isOpenBelow(accounts: Accounts, domain: AsciiDomain): boolean {
  return accounts.of(`${ANY_LABEL}.${domain}` as AsciiDomain) === undefined
}

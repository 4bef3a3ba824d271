// With accounts in the configuration, every domain of ours must be in one: errors for those that aren't, with their lines.
// Domains that only host_list_regex matches aren't known by name; a mail to one in no account gets [fallback] no_receipt.

import { ACCOUNT_SECTION } from '../config/accounts'
import { type Diagnostic, didYouMean } from '../config/diagnostics'
import { SUBDOMAINS } from '../config/list-parsers'
import type { Settings } from '../config/settings'
import type { NamedDomain } from '../haraka/own-domains'
import { type Accounts, NO_ACCOUNT } from '../policy/accounts'
import type { AsciiDomain } from '../units'

/** A label that stands for any, to ask about the subdomains of a domain. */
const ANY_LABEL = 'any-subdomain'

/** `relayLine`: of [relay] domains in ses-bounce.ini. */
export function accountDiagnostics(
  accounts: Accounts,
  settings: Settings,
  named: readonly NamedDomain[],
  place: { settingsFile: string; relayLine: number },
): Diagnostic[] {
  if (accounts.isEmpty) return []
  const known = settings.accounts.flatMap(({ domains }) => domains)
  return named.flatMap(({ domain, withSubdomains, line }) => {
    const account = accounts.of(domain)
    if (account !== undefined && !(withSubdomains && isOpenBelow(accounts, domain))) return []
    const message =
      account === undefined
        ? `${withSubdomains ? SUBDOMAINS : ''}${domain}: ${NO_ACCOUNT}` +
          (didYouMean(domain, known) || `; name it in domains of an [${ACCOUNT_SECTION}]`)
        : `subdomains of ${domain}: ${NO_ACCOUNT}; write ${SUBDOMAINS}${domain} in domains of [account.${account.name}]`
    return line === undefined
      ? [{ severity: 'error', file: place.settingsFile, line: place.relayLine, section: 'relay', message }]
      : [{ severity: 'error', file: 'host_list', line, message }]
  })
}

function isOpenBelow(accounts: Accounts, domain: AsciiDomain): boolean {
  return accounts.of(`${ANY_LABEL}.${domain}` as AsciiDomain) === undefined
}

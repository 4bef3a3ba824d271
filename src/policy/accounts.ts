// Finds the AWS account that received a recipient's mail: the first whose domains hold the recipient's.
// Without accounts in the configuration, all calls are made with the usual credentials.

import type { Account } from '../config/accounts'
import { SUBDOMAINS } from '../config/list-parsers'
import { laneName } from '../lane'
import { domainOf } from '../mail/address'
import type { AsciiDomain } from '../units'
import { someParent } from './address-patterns'
import { Glob, isGlob } from './glob'

/** The detail of [fallback] no_receipt. */
export const NO_ACCOUNT = 'domain in no account'

export interface Accounts {
  /** There are no accounts in the configuration. */
  isEmpty: boolean
  /** `domain`: A-labels, lower case. Undefined: no account holds it. */
  of(domain: AsciiDomain): Account | undefined
}

export function compileAccounts(accounts: readonly Account[]): Accounts {
  const holders = accounts.map(account => ({ account, holds: holderOf(account.domains) }))
  return {
    isEmpty: accounts.length === 0,
    of: domain => holders.find(({ holds }) => holds(domain))?.account,
  }
}

export interface LaneChoice {
  /** The name of the lane. */
  lane: string
  /** Undefined: there are no accounts in the configuration. */
  account?: Account
}

/** The lane for a bounce to a recipient whose mail was received in that region. Undefined: it is in no account. */
export function laneFor(accounts: Accounts, region: string, recipient: string): LaneChoice | undefined {
  if (accounts.isEmpty) return { lane: region }
  const domain = domainOf(recipient)
  const account = domain === undefined ? undefined : accounts.of(domain)
  return account && { lane: laneName({ account: account.number, region }), account }
}

/** Whether a domain is one of these, as `[account.NAME] domains` has them. */
export function holderOf(patterns: readonly string[]): (domain: AsciiDomain) => boolean {
  const exact = new Set<string>()
  const parents = new Set<string>()
  const globs: Glob[] = []
  for (const pattern of patterns) {
    if (pattern.startsWith(SUBDOMAINS)) parents.add(pattern.slice(SUBDOMAINS.length))
    else if (isGlob(pattern)) globs.push(new Glob(pattern))
    else exact.add(pattern)
  }
  return domain =>
    exact.has(domain) ||
    (parents.size > 0 && someParent(domain, parent => parents.has(parent))) ||
    globs.some(glob => glob.matches(domain))
}

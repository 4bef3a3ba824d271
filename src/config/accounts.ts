// The sections [account.NAME] of ses-bounce.ini: their table, and the checks between them.
// Never throws; a section with an error makes no account.

import { type Diagnostic, didYouMean } from './diagnostics'
import type { IniFile, IniSection } from './ini'
import type { Key } from './key'
import { domainPatterns } from './list-parsers'
import { externalId, roleArn } from './ses-parsers'

export interface Account {
  /** NAME of its section. */
  name: string
  /** The account's number of 12 digits, from the role's ARN. */
  number: string
  /** ARN of the role that makes its calls. */
  role: string
  externalId?: string
  /** Domains (A-labels, lower case), `@.` before one: with its subdomains; or patterns with `*` and `?`. */
  domains: readonly string[]
}

export const ACCOUNT_SECTION = 'account.NAME'
const PREFIX = 'account.'
/** Before a domain: it and all its subdomains. */
const SUBDOMAINS = '@.'
/** It stands in texts and log lines. */
const NAME = /^[a-z\d][a-z\d_-]{0,63}$/i

/** The keys of each such section. */
export const ACCOUNT_KEYS = {
  role: {
    parser: roleArn,
    default: '',
    meaning: 'ARN of the role that calls SES in this account; required',
    example: 'arn:aws:iam::123456789012:role/ses-bounce',
    note: 'The usual credentials must be allowed to assume it, for the account that they belong to as well.',
  },
  external_id: {
    parser: externalId,
    default: '',
    meaning: "the external id that the role's trust policy asks for",
    example: 'ses-bounce-7f3a',
  },
  domains: {
    parser: domainPatterns,
    default: '',
    meaning: 'the domains whose mail this account received; required',
    example: 'example.org, @.example.org, *.example.net',
    note: "The first account whose domains hold the recipient's counts. @.example.org is the domain with all its subdomains; `*` and `?` match characters of the whole domain.",
  },
} satisfies Record<string, Key<unknown>>

export const ACCOUNT_MEANING =
  'More AWS accounts, a section each: mail to these domains is bounced by this account, with its own pace (docs/accounts.md).'

export function isAccountSection(section: string): boolean {
  return section.startsWith(PREFIX)
}

/** The fault of a section's name. */
export function accountNameFault(section: string): string | undefined {
  return NAME.test(section.slice(PREFIX.length))
    ? undefined
    : 'an account needs a name of letters, digits, "-" and "_": [account.NAME]'
}

/** A hint for a section whose name was mistyped before the dot: `acount.second`. */
export function accountHint(section: string): string {
  const [before = '', ...name] = section.split('.')
  if (name.length === 0) return before.toLowerCase() === 'account' ? '; write [account.NAME]' : ''
  return didYouMean(before, ['account']) === '' ? '' : `; did you mean "${PREFIX}${name.join('.')}"?`
}

interface Values {
  /** The value of a key that could be read. */
  valueOf(section: string, key: string): unknown
  /** A value for a diagnostic; the value of an environment variable is never shown. */
  shown(section: string, key: string, text: string): string
}

export function readAccounts(
  ini: IniFile,
  values: Values,
): { accounts: Account[]; diagnostics: Diagnostic[] } {
  const accounts: Account[] = []
  const diagnostics: Diagnostic[] = []
  for (const section of ini.sections.filter(({ name }) => isAccountSection(name))) {
    if (accountNameFault(section.name) !== undefined) continue
    const say = (severity: Diagnostic['severity'], message: string, key?: string) =>
      diagnostics.push({
        severity,
        file: ini.file,
        line: lineOf(section, key),
        section: section.name,
        message,
      })
    for (const key of ['role', 'domains'] as const) {
      if (!hasKey(section, key)) say('error', `${key} is missing; ${ACCOUNT_KEYS[key].parser.form}`)
    }
    const account = accountOf(section.name, values)
    if (account === undefined) continue
    const same = accounts.find(({ number }) => number === account.number)
    if (same !== undefined)
      say(
        'error',
        `account ${values.shown(section.name, 'role', account.number)} has the section [${PREFIX}${same.name}] already; put all its domains there`,
        'role',
      )
    for (const domain of account.domains) {
      const earlier = accounts.find(({ domains }) => domains.some(pattern => holdsAll(pattern, domain)))
      if (earlier !== undefined)
        say(
          'warning',
          `${values.shown(section.name, 'domains', domain)} is in [${PREFIX}${earlier.name}] already, and the first account counts`,
          'domains',
        )
    }
    accounts.push(account)
  }
  return { accounts, diagnostics }
}

/** Whether every domain that `domain` stands for is one of `pattern` too. False where that isn't plain from the text. */
function holdsAll(pattern: string, domain: string): boolean {
  if (pattern === domain || pattern === '*') return true
  if (!pattern.startsWith(SUBDOMAINS)) return false
  const parent = pattern.slice(SUBDOMAINS.length)
  return domain === parent || domain.endsWith(`.${parent}`)
}

/** Undefined: a value is missing or wrong, which is reported already. */
function accountOf(section: string, from: Values): Account | undefined {
  const values = Object.fromEntries(Object.keys(ACCOUNT_KEYS).map(key => [key, from.valueOf(section, key)]))
  // the table's own parsers made the values
  const { role, external_id, domains } = values as {
    role?: string
    external_id?: string
    domains?: readonly string[]
  }
  if (role === undefined || domains === undefined) return undefined
  return {
    name: section.slice(PREFIX.length),
    number: role.split(':')[4] ?? '',
    role,
    ...(external_id !== undefined && { externalId: external_id }),
    domains,
  }
}

function hasKey({ entries }: IniSection, key: string): boolean {
  return entries.some(entry => entry.key === key)
}

function lineOf({ entries, line }: IniSection, key: string | undefined): number {
  return entries.find(entry => entry.key === key)?.line ?? line
}

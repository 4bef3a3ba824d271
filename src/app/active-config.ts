// The active configuration of one process, compiled from both ini files, their lists, and Haraka's own files.
// Compiling never throws: faults are returned as diagnostics.

import net from 'node:net'
import os from 'node:os'
import type { Diagnostic } from '../config/diagnostics'
import { parseIni } from '../config/ini'
import { type LoadOptions, loadSettings, parseSettings, SETTINGS_FILE } from '../config/load'
import type { Settings } from '../config/settings'
import type { Sources } from '../config/sources'
import { refusedBeforeRules } from '../haraka/before-rules'
import { readOwnDomains } from '../haraka/own-domains'
import { refusalDiagnostics } from '../haraka/refusal-diagnostics'
import { webServerDiagnostics } from '../haraka/web-server-config'
import { asciiDomain } from '../mail/address'
import { compileAccounts } from '../policy/accounts'
import { compilePolicy } from '../policy/compile'
import type { Policy } from '../policy/rule'
import { accountDiagnostics } from './account-diagnostics'
import { storeDiagnostics } from './store-diagnostics'

export const RULES_FILE = 'ses-bounce-rules.ini'

export interface ActiveConfig {
  settings: Settings
  policy: Policy
  /** Domains that SES receives for (A-labels, lower case), without those that only host_list_regex matches. */
  domains: readonly string[]
  /** Names of the lists that rules use. */
  lists: ReadonlySet<string>
  /** Host names that the page and the API answer to, besides addresses and loopback names; in lower case. */
  webNames: ReadonlySet<string>
  /** A rule is about refusals by other plugins. */
  asksAboutRefusals: boolean
  /** No relay is trusted, so no mail is evaluated. */
  idle: boolean
  /** Whether a peer is a trusted relay. */
  trusts(ip: string, authUser: string | undefined): boolean
}

export interface Compiled<T> {
  value: T
  diagnostics: Diagnostic[]
}

export function compileActiveConfig(
  sources: Sources,
  env: NodeJS.ProcessEnv,
  options: LoadOptions = {},
): Compiled<ActiveConfig> {
  const {
    settings,
    diagnostics: ofSettings,
    lineOf,
    shown,
  } = loadSettings(parseSettings(sources.read(SETTINGS_FILE) ?? ''), env, options)
  const rules = parseIni(RULES_FILE, sources.read(RULES_FILE) ?? '')
  const lists = new Set<string>()
  const {
    ownDomains,
    named,
    diagnostics: ofDomains,
  } = readOwnDomains(settings.relay.domains, name => sources.read(name))
  const accounts = compileAccounts(settings.accounts)
  const { policy, diagnostics: ofRules } = compilePolicy(rules, {
    settings,
    lists: name => {
      lists.add(name)
      return sources.read(name)
    },
    domains: ownDomains.names,
    receivesFor: domain => ownDomains.receivesFor(domain),
    isOfOwnOrganisation: domain => ownDomains.isOfOwnOrganisation(domain),
    accounts,
    reportingMta: settings.ses.reportingMta ?? `dns; ${hostName(sources)}`,
  })
  const { trusted, authUsers } = settings.relay
  return {
    value: {
      settings,
      policy,
      domains: ownDomains.names,
      lists,
      webNames: new Set([hostName(sources), ...settings.http.hosts]),
      asksAboutRefusals: policy.rules.some(({ ofRefusals }) => ofRefusals),
      idle: trusted.length === 0 && authUsers.length === 0,
      trusts: truster(trusted, authUsers),
    },
    diagnostics: [
      ...byLine(SETTINGS_FILE, [
        ...ofSettings,
        ...storeDiagnostics(settings, { file: SETTINGS_FILE, lineOf }, sources),
      ]),
      ...ofDomains,
      ...accountDiagnostics(accounts, settings, named, { file: SETTINGS_FILE, lineOf, shown }),
      ...byLine(RULES_FILE, [...rules.diagnostics, ...ofRules]),
      ...refusedBeforeRules(policy, sources),
      ...refusalDiagnostics(policy, settings, sources, RULES_FILE),
      ...webServerDiagnostics(settings, sources),
    ],
  }
}

/** The file's diagnostics in the order of its lines, then those of its lists. */
function byLine(file: string, diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const own = diagnostics.filter(diagnostic => diagnostic.file === file)
  return [
    ...own.toSorted((a, b) => a.line - b.line),
    ...diagnostics.filter(diagnostic => diagnostic.file !== file),
  ]
}

/** The host's name as Haraka uses it: config/me, else the machine's name. */
function hostName(sources: Sources): string {
  const me = (sources.read('me') ?? '').split(/\r?\n/, 1)[0]?.trim()
  return asciiDomain(me ?? '') ?? asciiDomain(os.hostname()) ?? 'localhost'
}

/** The number of peers whose answer is cached. */
const MOST_PEERS = 1000

function truster(trusted: readonly string[], authUsers: readonly string[]): ActiveConfig['trusts'] {
  const ranges = new net.BlockList()
  for (const range of trusted) {
    const [address = '', bits] = range.split('/')
    const family = net.isIPv6(address) ? 'ipv6' : 'ipv4'
    ranges.addSubnet(address, Number(bits ?? (family === 'ipv6' ? 128 : 32)), family)
  }
  const users = new Set(authUsers)
  // comparing the ranges would be the largest cost of a mail from another peer
  const known = new Map<string, boolean>()
  return (ip, authUser) => {
    if (authUser !== undefined && users.has(authUser)) return true
    const before = known.get(ip)
    if (before !== undefined) return before
    const isTrusted = net.isIP(ip) !== 0 && ranges.check(ip, net.isIPv6(ip) ? 'ipv6' : 'ipv4')
    if (known.size >= MOST_PEERS) known.clear()
    known.set(ip, isTrusted)
    return isTrusted
  }
}

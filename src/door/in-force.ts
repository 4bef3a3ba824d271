// The configuration that one process goes by: both ini files, their lists, and what Haraka's own files say.
// Compiling never throws: what is wrong is in the findings.

import net from 'node:net'
import os from 'node:os'
import { readOwnDomains } from '../haraka/own-domains'
import { asciiDomain } from '../mail/address'
import { compilePolicy } from '../policy/compile'
import type { Policy } from '../policy/rule'
import type { Finding } from '../settings/findings'
import { parseIni } from '../settings/ini'
import { loadSettings, parseSettings, SETTINGS_FILE } from '../settings/load'
import type { Settings } from '../settings/settings'
import type { Sources } from '../settings/sources'
import { refusedBeforeRules } from './before-rules'
import { webServerFindings } from './web-server'

export const RULES_FILE = 'ses-bounce-rules.ini'

export interface InForce {
  settings: Settings
  policy: Policy
  /** That SES receives for (A-labels, lower case), as far as they are written one by one: not those of host_list_regex. */
  domains: readonly string[]
  /** Names of the lists that rules use. */
  lists: ReadonlySet<string>
  /** Names under which the page and the API may be asked, besides addresses and loopback names; in lower case. */
  webNames: ReadonlySet<string>
  /** No relay is trusted: no mail is looked at. */
  idle: boolean
  /** Whether a peer is a trusted relay. */
  trusts(ip: string, authUser: string | undefined): boolean
}

export interface Compiled<T> {
  value: T
  findings: Finding[]
}

export function compileInForce(sources: Sources, env: NodeJS.ProcessEnv): Compiled<InForce> {
  const { settings, findings } = loadSettings(parseSettings(sources.read(SETTINGS_FILE) ?? ''), env)
  const rules = parseIni(RULES_FILE, sources.read(RULES_FILE) ?? '')
  const lists = new Set<string>()
  const { ownDomains, findings: ofDomains } = readOwnDomains(settings.relay.domains, name =>
    sources.read(name),
  )
  const { policy, findings: ofRules } = compilePolicy(rules, {
    settings,
    lists: name => {
      lists.add(name)
      return sources.read(name)
    },
    receivesFor: domain => ownDomains.receivesFor(domain),
    isOfOwnOrganisation: domain => ownDomains.isOfOwnOrganisation(domain),
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
      idle: trusted.length === 0 && authUsers.length === 0,
      trusts: truster(trusted, authUsers),
    },
    findings: [
      ...findings,
      ...ofDomains,
      ...byLine(RULES_FILE, [...rules.findings, ...ofRules]),
      ...refusedBeforeRules(policy, sources),
      ...webServerFindings(settings, sources),
    ],
  }
}

/** Of the file in the order of its lines, then those of its lists. */
function byLine(file: string, findings: readonly Finding[]): Finding[] {
  const own = findings.filter(finding => finding.file === file)
  return [...own.toSorted((a, b) => a.line - b.line), ...findings.filter(finding => finding.file !== file)]
}

/** Haraka: config/me, else the machine's name. */
function hostName(sources: Sources): string {
  const me = (sources.read('me') ?? '').split(/\r?\n/, 1)[0]?.trim()
  return asciiDomain(me ?? '') ?? asciiDomain(os.hostname()) ?? 'localhost'
}

/** Peers that are remembered. */
const MOST_PEERS = 1000

function truster(trusted: readonly string[], authUsers: readonly string[]): InForce['trusts'] {
  const ranges = new net.BlockList()
  for (const range of trusted) {
    const [address = '', bits] = range.split('/')
    const family = net.isIPv6(address) ? 'ipv6' : 'ipv4'
    ranges.addSubnet(address, Number(bits ?? (family === 'ipv6' ? 128 : 32)), family)
  }
  const users = new Set(authUsers)
  // a look at the ranges is dearer than all else that is done for a stranger's mail
  const known = new Map<string, boolean>()
  return (ip, authUser) => {
    if (authUser !== undefined && users.has(authUser)) return true
    const isTrusted =
      known.get(ip) ?? (net.isIP(ip) !== 0 && ranges.check(ip, net.isIPv6(ip) ? 'ipv6' : 'ipv4'))
    if (known.size >= MOST_PEERS) known.clear()
    known.set(ip, isTrusted)
    return isTrusted
  }
}

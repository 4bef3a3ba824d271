// For `check` alone: whether Haraka's own files fit to this plugin: its line in config/plugins, the domains of its rules,
// the host's name, and the largest mail. Never throws; a missing file is no warning.

import { parse } from 'tldts'
import type { ActiveConfig } from '../app/active-config'
import type { Diagnostic } from '../config/diagnostics'
import { splitItems } from '../config/items'
import type { Sources } from '../config/sources'
import { quoted } from '../config/value-parsers'
import { formatSize } from '../config/values'
import { asciiDomain } from '../mail/address'
import { isGlob } from '../policy/glob'
import type { AsciiDomain } from '../units'
import { CONNECTION_FILE, LARGEST_BYTES, largestAccepted } from './before-rules'
import { HOST_LIST, HOST_LIST_REGEX, type OwnDomains, readOwnDomains } from './own-domains'
import { PLUGINS_FILE } from './plugin-list'
import { refuserAdvice } from './refuser-advice'

const ME = 'me'

/** `rulesFile`: the name of the file in which the rules are. */
export function installDiagnostics(
  { idle, policy, settings }: Pick<ActiveConfig, 'idle' | 'policy' | 'settings'>,
  sources: Sources,
  rulesFile: string,
): Diagnostic[] {
  if (idle) return nameOfHost(settings, sources)
  return [
    ...foreignDomains(policy, settings, sources, rulesFile),
    ...refuserAdvice(policy.rules, sources.read(PLUGINS_FILE) ?? ''),
    ...sizeBehindRelay(settings, sources),
    ...nameOfHost(settings, sources),
  ]
}

type Settings = ActiveConfig['settings']

/** Conditions whose addresses are those that SES has received for. */
const OF_OURS: readonly string[] = ['recipient', 'envelope.recipient']
/** A list of a million addresses has one domain, or a few. */
const MOST_DOMAINS = 20

function foreignDomains(
  { rules }: ActiveConfig['policy'],
  { relay }: Settings,
  sources: Sources,
  file: string,
): Diagnostic[] {
  // a directory without both files isn't a whole Haraka directory
  if (sources.read(HOST_LIST) === undefined && sources.read(HOST_LIST_REGEX) === undefined) return []
  const { ownDomains } = readOwnDomains(relay.domains, name => sources.read(name))
  return rules.flatMap(rule =>
    rule.conditions
      .filter(({ field, negated }) => OF_OURS.includes(field.name) && !negated)
      .flatMap(({ value, line }) =>
        [...namedDomains(value, sources)]
          .filter(({ domain, withSubdomains }) => !isOurs(domain, withSubdomains, ownDomains))
          .slice(0, MOST_DOMAINS)
          .map(({ domain }) => ({
            severity: 'warning' as const,
            file,
            line,
            section: rule.name,
            message: `neither host_list nor [relay] domains names ${quoted(domain)}, so it isn't known as a domain that SES receives for; with recipients = auto its bounces may fall back to mismatch`,
          })),
      ),
  )
}

interface NamedDomain {
  domain: AsciiDomain
  withSubdomains: boolean
}

/** The domains that the items of a condition name one by one, those of its lists too. */
function* namedDomains(value: string, sources: Sources): Generator<NamedDomain> {
  const seen = new Set<string>()
  for (const { text, form } of splitItems(value).items) {
    if (form === 'regex') continue
    const [, list] = (form === 'plain' && /^file:\s*(.+)$/.exec(text)) || []
    const items = list === undefined ? [text] : (sources.read(list) ?? '').split(/\r\n|\r|\n/)
    for (const item of items) {
      const written = item.slice(item.lastIndexOf('@') + 1).trim()
      if (!item.includes('@') || seen.has(written) || isGlob(written)) continue
      seen.add(written)
      const domain = asciiDomain(written.replace(/^\./, ''))
      if (domain !== undefined) yield { domain, withSubdomains: written.startsWith('.') }
    }
  }
}

function isOurs(domain: AsciiDomain, withSubdomains: boolean, own: OwnDomains): boolean {
  if (own.receivesFor(domain)) return true
  return (
    withSubdomains &&
    (own.names.some(name => name.endsWith(`.${domain}`)) || own.receivesFor(`any.${domain}` as AsciiDomain))
  )
}

function sizeBehindRelay({ sqsRelay }: Settings, sources: Sources): Diagnostic[] {
  const limit = largestAccepted(sources.read(CONNECTION_FILE) ?? '')
  if (sqsRelay === undefined || limit === undefined || limit.bytes >= LARGEST_BYTES) return []
  const message = `Haraka refuses mail over ${formatSize(limit.bytes)}, which "ses-bounce relay" then moves to the dead-letter queue; bytes = ${LARGEST_BYTES} allows all mail that SES accepts`
  return [{ severity: 'warning', file: CONNECTION_FILE, line: limit.line, section: 'max', message }]
}

/** RFC 3464 section 2.2.2: Reporting-MTA; RFC 2606: names for documents, which nobody has. */
function nameOfHost({ ses }: Settings, sources: Sources): Diagnostic[] {
  const name = (sources.read(ME) ?? '').split(/\r?\n/, 1)[0]?.trim() ?? ''
  if (name === '' || ses.reportingMta !== undefined) return []
  const domain = asciiDomain(name)
  const { isIcann, isPrivate, domain: registered } = parse(domain ?? '', { allowPrivateDomains: true })
  const isForDocuments = domain?.endsWith('.example') === true
  if (isForDocuments || (registered !== null && (isIcann === true || isPrivate === true))) return []
  const message = `${quoted(name)} isn't a name in the public DNS, and bounces carry it as Reporting-MTA; write this host's full name, or set [ses] reporting_mta`
  return [{ severity: 'warning', file: ME, line: 1, message }]
}

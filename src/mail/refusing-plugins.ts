// The meaning of the names of Haraka's plugins in refusals. Plain data.
// Names are those under which Haraka loads a plugin: without `haraka-plugin-`, deprecated names replaced.

/** No plugin accepted the recipient. */
export const NOBODY = 'nobody'
/** Haraka's outbound delivery, LMTP too. */
export const OUTBOUND = 'outbound'

/** Haraka's Plugins.md, "Recipient Validation". */
export const RECIPIENT_PLUGIN =
  /^(?:rcpt_to[./].+|rcpt-.+|dovecot|qmail-deliverable|recipient-routes|wildduck)$/

/** They judge the connection, its login or its pace, or refuse for others: nothing that concerns the sender. */
const STANDING = /^(?:relay|auth.*|tls|limit|early_talker|toobusy|tarpit|greylist|xclient|delay_deny)$/

/** They judge the host that gave the mail to Haraka: the relay. */
export const JUDGES_OF_RELAY: readonly string[] = [
  'karma',
  'spf',
  'fcrdns',
  'dns-list',
  'helo.checks',
  'geoip',
  'asn',
  'p0f',
]

/** No rule means them unless it names them: those, and others that can't tell a refusal from a fault. */
export const BY_NAME_ONLY: readonly string[] = [
  NOBODY,
  ...JUDGES_OF_RELAY,
  'mail_from.is_resolvable',
  'bounce',
]

export const VIRUS_SCANNERS: readonly string[] = ['clamd', 'avg', 'esets', 'messagesniffer']
export const SPAM_JUDGES: readonly string[] = ['rspamd', 'spamassassin', 'dcc', 'uribl', 'karma']

/** Haraka's plugins.js, `plugins.deprecated`: as whom Haraka loads the line. */
const RENAMED: Readonly<Record<string, string>> = {
  'auth/auth_ldap': 'auth-ldap',
  backscatterer: 'dns-list',
  'connect.asn': 'asn',
  'connect.fcrdns': 'fcrdns',
  'connect.geoip': 'geoip',
  'connect.p0f': 'p0f',
  'connect.rdns_access': 'access',
  'data.nomsgid': 'headers',
  'data.noreceived': 'headers',
  'data.rfc5322_header_checks': 'headers',
  'data.headers': 'headers',
  dkim_sign: 'dkim',
  dkim_verify: 'dkim',
  'data.uribl': 'uribl',
  dnsbl: 'dns-list',
  dnswl: 'dns-list',
  'log.syslog': 'syslog',
  'mail_from.access': 'access',
  'mail_from.blocklist': 'access',
  'mail_from.nobounces': 'bounce',
  max_unrecognized_commands: 'limit',
  rate_limit: 'limit',
  'rcpt_to.access': 'access',
  'rcpt_to.blocklist': 'access',
  'rcpt_to.ldap': 'rcpt-ldap',
  'rcpt_to.max_count': 'limit',
  'rcpt_to.qmail_deliverable': 'qmail-deliverable',
  'rdns.regexp': 'access',
  relay_acl: 'relay',
  relay_all: 'relay',
  relay_force_routing: 'relay',
}

/** The name under which Haraka loads a line of config/plugins. */
export function loadedName(line: string): string {
  const name = line.trim().replace(/^haraka-plugin-/, '')
  return Object.hasOwn(RENAMED, name) ? (RENAMED[name] ?? name) : name
}

/** The refusals of such a plugin always stand. */
export function alwaysStands(plugin: string): boolean {
  return STANDING.test(plugin)
}

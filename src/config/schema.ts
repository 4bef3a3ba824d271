// The table of all settings in ses-bounce.ini: checker, defaults, example file and reference are made from it.
// Plain data; a test reads every default with its own parser.

import {
  certificateFile,
  databasePassword,
  databaseUrl,
  hostName,
  MACHINE_NAME,
  schemaName,
} from './database-parsers'
import { cidrList, domainList, hostList, recipientList, regionList, wordList } from './list-parsers'
import { bearerToken } from './secret'
import { endpoint, identityArn, queueFile, reportingMta, senderTemplate } from './ses-parsers'
import {
  AUTHENTICATION_LEVELS,
  DELIVERY_WINDOWS,
  FALLBACK_ACTIONS,
  FULL_ACTIONS,
  OWN_DSNS,
  type QueueStoreSettings,
  RELAY_RECIPIENTS,
  type Settings,
  SPLITS,
} from './settings'
import { mailStorePlace, queueStore } from './store-parsers'
import {
  alwaysTrue,
  boolean,
  choice,
  count,
  duration,
  durationRange,
  labelSeparator,
  rate,
  size,
  surge,
  type ValueParser,
} from './value-parsers'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** SES API: SendBounce accepts one call a second. */
export const SES_INTERVAL_MS = SECOND
/** SES API: SendBounce accepts bounces for a mail up to 24 hours after its receipt. */
const SES_WINDOW_MS = DAY

export interface Key<T> {
  parser: ValueParser<T>
  /** In the form of the file. */
  default: string
  /** One line that can stand alone. */
  meaning: string
  /** An example value, if the default is empty. */
  example?: string
  /** More for the reference. */
  note?: string
}

function key<T>(
  parser: ValueParser<T>,
  defaultText: string,
  meaning: string,
  more: { example?: string; note?: string } = {},
): Key<T> {
  return { parser, default: defaultText, meaning, ...more }
}

const fallback = (action: string, meaning: string) => key(choice(FALLBACK_ACTIONS), action, meaning)

export const SCHEMA = {
  main: {
    mode: key(
      choice(['enforce', 'observe']),
      'enforce',
      'enforce: do what the rules say; observe: decide and log, but change nothing',
    ),
    on_error: key(
      choice(['stop'], ['last_good']),
      'stop',
      'what Haraka does at boot when the configuration has errors',
      { note: 'last_good is not available yet.' },
    ),
  },
  relay: {
    trusted: key(cidrList, '', 'addresses and ranges of the relays that deliver mail from SES', {
      example: '192.0.2.10, 2001:db8::/64',
      note: 'A trusted host can make SES send bounces: list only your relays.',
    }),
    auth_users: key(wordList, '', 'relays by their SMTP AUTH users, from any address', {
      example: 'ses-relay',
    }),
    recipients: key(
      choice(RELAY_RECIPIENTS),
      'auto',
      'the address in RCPT TO: kept, the one that SES had; rewritten, another one; auto, determined for each mail',
      { note: 'docs/relays.md says which value is right for which relay.' },
    ),
    label_separator: key(
      labelSeparator,
      '+',
      'the character before a label: a pattern for anna@ also matches anna+shop@, as in receipt rules of SES; empty: no labels',
      {
        note: 'For recipient, envelope.recipient and role_addresses: plain, @host and glob patterns, not expressions. A pattern with the separator in its local part matches that label only.',
      },
    ),
    domains: key(domainList, '', 'domains that SES receives for, besides those in host_list', {
      example: 'example.org, @.example.net',
      note: 'host_list_regex counts too. @.example.net is the domain with all its subdomains.',
    }),
  },
  ses: {
    bounce_sender: key(
      senderTemplate,
      'mailer-daemon@{recipient.domain}',
      'the sender of bounces: a verified identity, such as an address at a domain that SES receives for',
    ),
    bounce_sender_arn: key(identityArn, '', 'ARN of the identity, if it belongs to another account', {
      example: 'arn:aws:ses:eu-west-1:123456789012:identity/example.com',
    }),
    reporting_mta: key(
      reportingMta,
      '',
      'the reporting host that bounces name; empty: the name in config/me',
      {
        example: 'dns; mx.example.com',
      },
    ),
    regions: key(
      regionList,
      '',
      'the only regions that are called; empty: the region that the receipt names',
      {
        example: 'eu-west-1, us-east-1',
      },
    ),
    endpoint: key(endpoint, '', 'empty: AWS; a URL, which may hold {region}; local: the emulator', {
      example: 'http://127.0.0.1:4579',
    }),
    timeout: key(
      duration({ min: 100, max: 5 * MINUTE }),
      '10s',
      'the time limit of a call; after it the outcome is unknown',
    ),
  },
  limit: {
    interval: key(
      duration({ min: 1, max: HOUR }),
      '1000ms',
      'the least time between two calls in a region; SES allows one a second',
      { note: 'Below 1000ms only while endpoint is the emulator or another server on this machine.' },
    ),
    slack: key(
      duration({ min: 0, max: MINUTE }),
      '5ms',
      'added to interval: the network may bring two calls closer together',
    ),
    per_sender: key(rate, '10/day', 'the most new bounces for one sender; empty: no limit', {
      note: 'Further mail gets [fallback] capped. Addresses that are made for each mail (VERP, BATV, SRS) count as the original address. If a provider uses one return domain for all its customers, each customer counts separately, by the other domain that SES proved.',
    }),
    per_sender_domain: key(rate, '', 'the most new bounces for all senders at one domain; empty: no limit', {
      example: '100/day',
      note: 'Further mail gets [fallback] capped.',
    }),
  },
  window: {
    length: key(
      duration({ min: SECOND, max: SES_WINDOW_MS, maxReason: 'SES accepts no bounce after 24h' }),
      '24h',
      'the time after its receipt in which a mail can be bounced; SES allows 24h',
    ),
    margin: key(
      duration({ min: 0, max: SES_WINDOW_MS }),
      '1m',
      'no call starts later than this before the end of the window',
      { note: 'It must be shorter than length.' },
    ),
  },
  queue: {
    store: key(
      queueStore,
      'sqlite',
      'where jobs are kept: sqlite, a file of this host; postgres, a database that several hosts share',
      { note: 'Like all keys of the database but password it takes effect when Haraka starts again.' },
    ),
    path: key(
      queueFile,
      'ses-bounce/queue.sqlite',
      'the file of sqlite, in the Haraka directory; on a local disk that survives a restart',
      { note: 'Network file systems are refused.' },
    ),
    url: key(databaseUrl, '', 'the database of postgres: user, host, port and name, without the password', {
      example: 'postgres://bounces@db.example.com:5432/mail',
      note: 'It must lead to the writer. PostgreSQL 14 or later; Amazon RDS and Aurora PostgreSQL too, but not Aurora DSQL.',
    }),
    password: key(databasePassword, '', 'the password of its user: env:NAME, file:/PATH, or aws-iam', {
      example: 'env:PGPASSWORD',
      note: 'A file is read for each new connection. aws-iam: a token of Amazon RDS, by the credentials of the AWS SDK; it needs the package @aws-sdk/rds-signer.',
    }),
    ca: key(
      certificateFile,
      '',
      "certificates that the server's must lead to: a file in config/; empty: the system's",
      {
        example: 'rds-bundle.pem',
        note: 'TLS is always verified, except to this machine.',
      },
    ),
    schema: key(schemaName, 'ses_bounce', 'the schema of the tables: each has a queue of its own'),
    connections: key(
      count({ min: 1, max: 20 }),
      '2',
      'the most connections to the database, of each worker and of the dispatcher',
    ),
    timeout: key(
      duration({ min: 100, max: 10 * SECOND }),
      '2s',
      'the time limit of an answer of the database; mail waits twice as long at most, and gets 450 then',
    ),
    migrate: key(
      choice(['boot', 'by hand']),
      'boot',
      'who changes the tables for a newer version: boot, the first process of it; by hand, `ses-bounce queue migrate`',
    ),
    host: key(hostName, MACHINE_NAME, "this host's name in views, metrics and history of a shared queue"),
    keep: key(
      duration({
        min: 25 * HOUR,
        max: 3650 * DAY,
        minReason: 'a relay can deliver a mail again as long as SES accepts bounces for it',
      }),
      '7d',
      'the time for which ended jobs stay on record; at least 25h',
    ),
    keep_mail: key(
      boolean,
      'true',
      'the raw mail is kept until SES has made its bounces; mail whose bounce fails goes to the quarantine',
      { note: 'With false a mail is lost when its bounce fails, expires or is cancelled.' },
    ),
    retry: key(
      durationRange({ min: 10, max: DAY }),
      '2s..10m',
      'the shortest and longest pause between two attempts',
    ),
    unknown_tries: key(
      count({ min: 1, max: 100 }),
      '3',
      'the attempts at a call whose outcome is unknown; then its job is held',
    ),
  },
  content: {
    limit: key(
      size({ min: 1024, max: 64 * 1024 ** 2 }),
      '256kb',
      'the part of each text of a mail that the condition body searches',
      { note: "The rest isn't searched, and the log says so." },
    ),
  },
  guard: {
    null_sender: key(
      alwaysTrue('RFC 5321 section 6.1 forbids an answer to the null sender'),
      'true',
      'the sender is <>, so the mail is itself a bounce; always on',
    ),
    own_domains: key(boolean, 'true', 'the sender is at a domain of yours, or below one'),
    replied: key(boolean, 'true', 'automatic replies and delivery reports'),
    virus: key(boolean, 'true', 'SES found a virus, or another plugin refused one'),
    spam: key(boolean, 'true', 'SES found spam, or another plugin refused it'),
    list_mail: key(boolean, 'false', 'mailing lists and bulk mail'),
    role_addresses: key(
      recipientList,
      'postmaster, abuse, mailer-daemon',
      'recipients that only a rule that names them can bounce; mail to your bounce sender is never bounced',
    ),
    authentication: key(
      choice(AUTHENTICATION_LEVELS),
      'aligned',
      'the proof that a sender needs: aligned (SPF, DKIM or DMARC), strict (not SPF), none',
      { note: 'With none, forged senders get bounces (docs/safety.md).' },
    ),
  },
  fallback: {
    expired: fallback('reject', 'the mail was received longer ago than [window] length'),
    overload: fallback('reject', 'too many bounces wait for this one to start in time'),
    no_receipt: fallback('quarantine', 'the mail has no usable receipt of SES'),
    mismatch: fallback('quarantine', 'the recipient that SES had cannot be determined'),
    ended: fallback('quarantine', 'the mail came again after its bounce failed, expired or was cancelled'),
    unsafe: fallback('quarantine', 'a guard prevents the bounce, or there is no usable bounce sender'),
    capped: fallback('quarantine', 'the sender, their domain or the rule has reached its limit of bounces'),
    full: key(
      choice(FULL_ACTIONS),
      'reject',
      'the mail must be kept, and [quarantine] limit leaves no room for it',
      { note: 'Where other recipients of the mail are delivered to or bounced, the whole mail gets 450.' },
    ),
    unreadable: fallback(
      'quarantine',
      "a rule, whatever its action, needs a part of the mail that can't be read",
    ),
  },
  quarantine: {
    store: key(
      mailStorePlace,
      'folder',
      'where mail is kept: folder, ses-bounce/ in the Haraka directory; or a bucket of S3: s3://BUCKET/PREFIX',
      {
        note: 'Also for mail that waits for its bounces. Takes effect when Haraka starts again. S3 needs the packages @aws-sdk/client-s3 and @aws-sdk/lib-storage.',
      },
    ),
    keep: key(duration({ min: MINUTE, max: 3650 * DAY }), '30d', 'how long mail is kept; then it is deleted'),
    limit: key(
      size({ min: 1024, max: 1024 ** 5 }),
      '1gb',
      'the most mail that is kept, including mail that waits for its bounces',
      { note: 'One sender may fill a tenth of it. Further mail gets [fallback] full.' },
    ),
  },
  http: {
    token: key(bearerToken, '', 'bearer token of the HTTP API; empty: the API is off', {
      example: 'env:SES_BOUNCE_TOKEN',
      note: "Haraka's web server must be on: listen in config/http.ini (docs/api.md). Its digest can stand there instead: sha256:HEX.",
    }),
    hosts: key(hostList, '', 'host names under which the page and the API answer', {
      example: 'mail.example.com',
      note: 'Addresses, loopback names and the name in config/me always pass; under any other name the answer is 421.',
    }),
  },
  delivery: {
    split: key(
      choice(SPLITS),
      'auto',
      'true: mail for several recipients is delivered to each by itself, as a server refuses all with one answer',
      {
        note: 'auto: where a rule asks for refused.stage queue or delivery, and queue/smtp_forward is loaded. Haraka delivers to the same server through its outbound queue.',
      },
    ),
    window: key(
      choice(DELIVERY_WINDOWS),
      'answered',
      'a delivery whose next try is too late for a bounce: answered, bounced if the server answered; bounce; keep trying',
    ),
    own_dsn: key(
      choice(OWN_DSNS),
      'guarded',
      "guarded: Haraka's own report goes only to a sender who is proved, past all guards; haraka: as without this plugin",
    ),
  },
  refusals: {
    surge: key(
      surge,
      '50%/10m',
      'the share of recipients that one plugin may refuse; above it something is broken, and it is 450; empty: off',
      { note: 'Of the last 20 or more different recipients. `ses-bounce refusals resume` ends it.' },
    ),
    hide: key(
      domainList,
      '',
      "domains of inner hosts: their names and private addresses are taken out of other plugins' words",
      { example: 'internal.example' },
    ),
  },
}

type Table = typeof SCHEMA
export type SectionName = keyof Table

/** The values of the file, for each section and key. */
export type Values = {
  [S in keyof Table]: { [K in keyof Table[S]]: Table[S][K] extends Key<infer T> ? T : never }
}

/** Keys that were renamed, with the hint for each. */
export const RENAMED_KEYS: Readonly<Record<string, string>> = {
  'relay.keeps_recipients': 'it is called recipients now: kept for true, auto for false',
}

/** The meaning of a section, if its keys don't show it. */
export const SECTION_MEANING: Partial<Record<SectionName, string>> = {
  relay: 'Only mail from these peers is evaluated; without any, the plugin is idle.',
  guard: 'true: such mail gets no bounce. A rule can override them: guard.list_mail = true',
  fallback:
    "What happens to mail that a rule bounces when the bounce can't or mustn't be made: reject, quarantine, accept, defer, drop.",
  delivery: 'Mail that a server behind Haraka refuses.',
  refusals: 'What other plugins and servers refuse, for the rules with a condition refused.',
  quarantine: 'Mail that was kept back, in ses-bounce/quarantine/.',
}

export function toSettings({
  accounts,
  main,
  relay,
  ses,
  limit,
  window,
  queue,
  content,
  guard,
  fallback,
  delivery,
  refusals,
  quarantine,
  http,
}: Values & Pick<Settings, 'accounts'>): Settings {
  return {
    main: { mode: main.mode },
    relay: {
      trusted: relay.trusted,
      authUsers: relay.auth_users,
      recipients: relay.recipients,
      labelSeparator: relay.label_separator,
      domains: relay.domains,
    },
    ses: {
      bounceSender: ses.bounce_sender,
      ...(ses.bounce_sender_arn !== undefined && { bounceSenderArn: ses.bounce_sender_arn }),
      ...(ses.reporting_mta !== undefined && { reportingMta: ses.reporting_mta }),
      regions: ses.regions,
      endpoint: ses.endpoint,
      timeoutMs: ses.timeout,
    },
    accounts,
    limit: {
      intervalMs: limit.interval,
      slackMs: limit.slack,
      ...(limit.per_sender && { perSender: limit.per_sender }),
      ...(limit.per_sender_domain && { perSenderDomain: limit.per_sender_domain }),
    },
    window: { lengthMs: window.length, marginMs: window.margin },
    queue: {
      ...storeOf(queue),
      keepMs: queue.keep,
      keepsMail: queue.keep_mail,
      retryFirstMs: queue.retry.firstMs,
      retryLongestMs: queue.retry.longestMs,
      unknownTries: queue.unknown_tries,
    },
    content: { limitBytes: content.limit },
    guard,
    fallback,
    delivery: { split: delivery.split, window: delivery.window, ownDsn: delivery.own_dsn },
    refusals: {
      ...(refusals.surge && { surge: refusals.surge }),
      hidden: refusals.hide.map(domain => domain.replace(/^@\./, '')),
    },
    quarantine: { store: quarantine.store, keepMs: quarantine.keep, limitBytes: quarantine.limit },
    http: { hosts: http.hosts, ...(http.token !== undefined && { tokenSha256: http.token }) },
  }
}

/** Without a URL, which is an error, the database can't be named. */
function storeOf({ store, path, url, password, ca, ...queue }: Values['queue']): QueueStoreSettings {
  if (store === 'sqlite' || url === undefined) return { store: 'sqlite', path }
  return {
    store,
    ...url,
    ...(password !== undefined && { password }),
    ...(ca !== undefined && { ca }),
    schema: queue.schema,
    connections: queue.connections,
    timeoutMs: queue.timeout,
    migrates: queue.migrate,
    hostName: queue.host,
  }
}

// The one table of ses-bounce.ini: the checker, the defaults, the example file and the reference come from it.
// Plain data; a default that its own kind refuses is a fault of ours, and a test finds it.

import {
  alwaysTrue,
  boolean,
  choice,
  count,
  duration,
  durationRange,
  type Kind,
  later,
  rate,
  size,
} from './kinds'
import { cidrList, domainList, recipientList, regionList, wordList } from './list-kinds'
import { endpoint, identityArn, queueFile, reportingMta, senderTemplate } from './ses-kinds'
import { AUTHENTICATION_LEVELS, FALLBACK_ACTIONS, type Settings } from './settings'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** SES API: SendBounce takes one call a second. */
export const SES_INTERVAL_MS = SECOND
/** SES API: SendBounce takes a mail for 24 hours after its receipt. */
const SES_WINDOW_MS = DAY

export interface Key<T> {
  kind: Kind<T>
  /** As text, as it would stand in the file. */
  standard: string
  meaning: string
  /** What the example file shows where the default shows nothing. */
  example?: string
}

function key<T>(kind: Kind<T>, standard: string, meaning: string, example?: string): Key<T> {
  return { kind, standard, meaning, ...(example !== undefined && { example }) }
}

const fallback = (standard: string, meaning: string) => key(choice(FALLBACK_ACTIONS), standard, meaning)

export const SCHEMA = {
  main: {
    mode: key(
      choice(['enforce', 'observe']),
      'enforce',
      'enforce; or observe: decide, log and count, but change nothing',
    ),
  },
  relay: {
    trusted: key(
      cidrList,
      '',
      'who may pass mail of SES on: addresses and ranges; empty: the plugin is idle',
      '192.0.2.10, 2001:db8::/64',
    ),
    auth_users: key(wordList, '', 'the same, by the names of SMTP AUTH users'),
    keeps_recipients: key(boolean, 'false', 'true: RCPT TO names the recipients that SES had'),
    domains: key(domainList, '', 'domains that SES receives for, besides those in host_list'),
  },
  ses: {
    bounce_sender: key(
      senderTemplate,
      'mailer-daemon@{recipient.domain}',
      'who bounces come from: a verified identity, as every domain is that SES receives for',
    ),
    bounce_sender_arn: key(identityArn, '', 'ARN of the identity, where it belongs to another account'),
    reporting_mta: key(reportingMta, '', 'dns; and a host name; empty: the name in config/me'),
    regions: key(regionList, '', 'the only regions that are called; empty: the one that the receipt names'),
    endpoint: key(endpoint, '', 'empty: AWS; or a URL, {region} is filled in; or local: the stand-in'),
    timeout: key(duration({ min: 100, max: 5 * MINUTE }), '10s', 'how long a call may take'),
  },
  limit: {
    interval: key(
      duration({ min: 1, max: HOUR }),
      '1000ms',
      'from one call to the next, in each region; SES allows one a second',
    ),
    slack: key(duration({ min: 0, max: MINUTE }), '5ms', 'on top of interval: what the network may take off'),
    per_sender: key(rate, '10/day', 'bounces that one sender gets (not counted yet)'),
    per_sender_domain: key(rate, '', 'bounces that one domain gets (not counted yet); empty: off'),
  },
  window: {
    length: key(
      duration({ min: SECOND, max: SES_WINDOW_MS, maxReason: 'SES takes no bounce after 24h' }),
      '24h',
      'from receipt: so long SES takes a bounce',
    ),
    margin: key(duration({ min: 0, max: SES_WINDOW_MS }), '1m', 'before its end: no call starts any more'),
  },
  queue: {
    store: key(choice(['sqlite'], ['redis']), 'sqlite', 'where jobs are kept'),
    path: key(
      queueFile,
      'ses-bounce/queue.sqlite',
      'in the Haraka directory; on a local disk that outlives a restart',
    ),
    keep: key(
      duration({
        min: 25 * HOUR,
        max: 3650 * DAY,
        minReason: 'a mail can come again for as long as SES takes bounces for it',
      }),
      '7d',
      'how long jobs stay on record after their end; at least 25h',
    ),
    retry: key(durationRange({ min: 10, max: DAY }), '2s..10m', 'shortest and longest pause between tries'),
    unknown_tries: key(
      count({ min: 1, max: 100 }),
      '3',
      'tries of a call that may have been carried out; then it is held',
    ),
  },
  content: {
    limit: key(
      size({ min: 0, max: 64 * 1024 ** 2 }),
      '256kb',
      'how much text of a mail is searched (no condition does yet)',
    ),
  },
  guard: {
    null_sender: key(
      alwaysTrue('RFC 5321 section 6.1 forbids an answer to the null sender'),
      'true',
      'the sender is <>; always on',
    ),
    own_domains: key(boolean, 'true', 'the sender is in a domain of yours, or below one'),
    replied: key(boolean, 'true', 'automatic replies and delivery reports'),
    virus: key(boolean, 'true', 'SES found a virus'),
    spam: key(boolean, 'true', 'SES found spam'),
    list_mail: key(boolean, 'false', 'mailing lists and bulk mail'),
    role_addresses: key(
      recipientList,
      'postmaster, abuse',
      'recipients that no rule bounces unless it names them',
    ),
    authentication: key(
      choice(AUTHENTICATION_LEVELS),
      'aligned',
      'what must prove the sender: aligned (SPF, DKIM or DMARC), strict (not SPF), none',
    ),
  },
  fallback: {
    expired: fallback('reject', 'the window is over'),
    overload: fallback('reject', 'the queue is too long to be in time'),
    no_receipt: fallback('reject', 'the mail carries no receipt of SES'),
    mismatch: fallback('reject', 'which recipient SES had is not to be found out'),
    ended: fallback('reject', 'the mail came again after its bounce failed, expired or was cancelled'),
    unsafe: fallback('quarantine', 'a guard spoke against it'),
    capped: fallback('quarantine', 'the sender has had enough bounces'),
  },
  quarantine: {
    keep: key(
      duration({ min: MINUTE, max: 3650 * DAY }),
      '30d',
      'how long mail is kept (nothing is deleted yet)',
    ),
  },
  http: {
    token: key(later, '', 'bearer token of the HTTP API'),
  },
}

type Table = typeof SCHEMA
export type SectionName = keyof Table

/** What the file says, read; for each section and key. */
export type Values = {
  [S in keyof Table]: { [K in keyof Table[S]]: Table[S][K] extends Key<infer T> ? T : never }
}

/** What a section is about, where its keys don't say it. */
export const SECTION_MEANING: Partial<Record<SectionName, string>> = {
  relay: 'Only mail from these peers is looked at.',
  guard: 'true: such mail gets no bounce. A rule may say otherwise for itself: guard.list_mail = true',
  fallback:
    'What becomes of mail that a rule would bounce, when it can not be: reject, quarantine, accept, defer or drop.',
  quarantine: 'Mail that was kept back, in ses-bounce/quarantine/.',
}

export function toSettings({
  main,
  relay,
  ses,
  limit,
  window,
  queue,
  content,
  guard,
  fallback,
  quarantine,
}: Values): Settings {
  return {
    main,
    relay: {
      trusted: relay.trusted,
      authUsers: relay.auth_users,
      keepsRecipients: relay.keeps_recipients,
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
    limit: {
      intervalMs: limit.interval,
      slackMs: limit.slack,
      ...(limit.per_sender && { perSender: limit.per_sender }),
      ...(limit.per_sender_domain && { perSenderDomain: limit.per_sender_domain }),
    },
    window: { lengthMs: window.length, marginMs: window.margin },
    queue: {
      store: queue.store,
      path: queue.path,
      keepMs: queue.keep,
      retryFirstMs: queue.retry.firstMs,
      retryLongestMs: queue.retry.longestMs,
      unknownTries: queue.unknown_tries,
    },
    content: { limitBytes: content.limit },
    guard,
    fallback,
    quarantine: { keepMs: quarantine.keep },
  }
}

// ses-bounce.ini as one table: every key with its kind, default and meaning, in the order of the file.
// The checker, the defaults and the commented example come from it.

import { AUTHENTICATION_LEVELS, FALLBACK_ACTIONS } from './settings'

export type Kind =
  | { is: 'choice'; values: readonly string[] }
  | { is: 'boolean' }
  | { is: 'duration'; leastMs?: number; mostMs?: number }
  /** `2s..10m` */
  | { is: 'durations' }
  | { is: 'size' }
  | { is: 'count'; least: number }
  /** `10/day`; empty: off */
  | { is: 'rate' }
  /** Addresses and CIDR ranges. */
  | { is: 'networks' }
  | { is: 'domains' }
  | { is: 'words' }
  | { is: 'regions' }
  | { is: 'endpoint' }
  | { is: 'bounce-sender' }
  | { is: 'reporting-mta' }
  | { is: 'arn' }
  | { is: 'path' }

export interface Row {
  key: string
  kind: Kind
  /** As it would be written in the file. */
  default: string
  meaning: string
}

export interface Section {
  name: string
  rows: readonly Row[]
}

/** Keys and values that the language has, and this version hasn't. */
export const NOT_YET: readonly { section: string; key: string; value?: string }[] = [
  { section: 'queue', key: 'store', value: 'redis' },
  { section: 'http', key: 'token' },
]

const HOUR_MS = 3_600_000
const boolean: Kind = { is: 'boolean' }
const fallback: Kind = { is: 'choice', values: FALLBACK_ACTIONS }

export const SCHEMA: readonly Section[] = [
  {
    name: 'main',
    rows: [
      row(
        'mode',
        { is: 'choice', values: ['enforce', 'observe'] },
        'enforce',
        'enforce; observe: decide and log, change nothing',
      ),
    ],
  },
  {
    name: 'relay',
    rows: [
      row(
        'trusted',
        { is: 'networks' },
        '',
        'addresses and CIDR ranges of the relays; empty: the plugin is idle',
      ),
      row('auth_users', { is: 'words' }, '', 'or SMTP AUTH users'),
      row('keeps_recipients', boolean, 'false', "true: the relay's RCPT TO are the recipients that SES had"),
      row(
        'domains',
        { is: 'domains' },
        '',
        'more domains that SES receives for; those of host_list are known',
      ),
    ],
  },
  {
    name: 'ses',
    rows: [
      row(
        'bounce_sender',
        { is: 'bounce-sender' },
        'mailer-daemon@{recipient.domain}',
        'must be a verified identity; a domain that SES receives for is one',
      ),
      row(
        'bounce_sender_arn',
        { is: 'arn' },
        '',
        'identity of the bounce sender, when it is another account that owns it',
      ),
      row('reporting_mta', { is: 'reporting-mta' }, '', '"dns; name"; empty: the name in config/me'),
      row('regions', { is: 'regions' }, '', 'empty: whichever region the receipt names'),
      row(
        'endpoint',
        { is: 'endpoint' },
        '',
        'empty: AWS; a URL, may hold {region}; "local": a stand-in that bounces nothing',
      ),
      row('timeout', { is: 'duration', leastMs: 100, mostMs: 300_000 }, '10s', 'of one call'),
    ],
  },
  {
    name: 'limit',
    rows: [
      row('interval', { is: 'duration', leastMs: 1 }, '1000ms', 'least time between two calls in a region'),
      row('slack', { is: 'duration' }, '5ms', "added to it, for the network's jitter"),
      row('per_sender', { is: 'rate' }, '10/day', 'new bounces to one sender'),
      row('per_sender_domain', { is: 'rate' }, '', 'new bounces to one domain; empty: off'),
    ],
  },
  {
    name: 'window',
    rows: [
      // SES API: SendBounce takes mail received in the last 24 hours
      row(
        'length',
        { is: 'duration', leastMs: 1000, mostMs: 24 * HOUR_MS },
        '24h',
        "at most 24h: SES's limit",
      ),
      row('margin', { is: 'duration' }, '1m', "don't start a call later than this before the end"),
    ],
  },
  {
    name: 'queue',
    rows: [
      row('store', { is: 'choice', values: ['sqlite'] }, 'sqlite', 'where jobs are kept'),
      row(
        'path',
        { is: 'path' },
        'ses-bounce/queue.sqlite',
        'in the Haraka directory; a persistent local disk',
      ),
      row(
        'keep',
        { is: 'duration', leastMs: 25 * HOUR_MS },
        '7d',
        'how long ended jobs stay on record; at least 25h',
      ),
      row('retry', { is: 'durations' }, '2s..10m', 'first and longest pause between tries'),
      row(
        'unknown_tries',
        { is: 'count', least: 1 },
        '3',
        'a call whose outcome is unknown is tried this often, then held; 1: hold at once',
      ),
    ],
  },
  {
    name: 'content',
    rows: [row('limit', { is: 'size' }, '256kb', 'how much text of a mail the body patterns look at')],
  },
  {
    name: 'guard',
    rows: [
      row('null_sender', { is: 'choice', values: ['true'] }, 'true', "can't be turned off"),
      row(
        'own_domains',
        boolean,
        'true',
        'senders at host_list, [relay] domains, the bounce sender, the recipient',
      ),
      row('replied', boolean, 'true', 'automatic replies and delivery reports'),
      row('virus', boolean, 'true', "SES's verdict FAIL"),
      row('spam', boolean, 'true', "SES's verdict FAIL"),
      row('list_mail', boolean, 'false', 'List-*, Precedence bulk, junk, list'),
      row(
        'role_addresses',
        { is: 'words' },
        'postmaster, abuse',
        'recipients that are never bounced unless a rule names them',
      ),
      row(
        'authentication',
        { is: 'choice', values: AUTHENTICATION_LEVELS },
        'aligned',
        'what proves the sender: aligned, strict, none',
      ),
    ],
  },
  {
    name: 'fallback',
    rows: [
      row('expired', fallback, 'reject', 'outside the 24 hours'),
      row('overload', fallback, 'reject', 'could not start in time'),
      row('no_receipt', fallback, 'reject', "SES's receipt is missing or incomplete"),
      row('mismatch', fallback, 'reject', "the recipient of record can't be established"),
      row('ended', fallback, 'reject', 'delivered again after its bounce failed, expired or was cancelled'),
      row('unsafe', fallback, 'quarantine', 'a guard'),
      row('capped', fallback, 'quarantine', 'over a limit per sender or rule'),
    ],
  },
  { name: 'quarantine', rows: [row('keep', { is: 'duration' }, '30d', 'how long quarantined mail is kept')] },
]

function row(key: string, kind: Kind, value: string, meaning: string): Row {
  return { key, kind, default: value, meaning }
}

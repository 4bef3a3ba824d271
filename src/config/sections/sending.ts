// The tables of [ses], [limit] and [window].

import { HOUR, key, MINUTE, SECOND, SES_WINDOW_MS } from '../key'
import { regionList } from '../list-parsers'
import { endpoint, identityArn, reportingMta, senderTemplate } from '../ses-parsers'
import { duration, rate } from '../value-parsers'

export const SES = {
  bounce_sender: key(
    senderTemplate,
    'mailer-daemon@{recipient.domain}',
    'the sender of bounces: a verified identity, such as an address at a domain that SES receives for',
  ),
  bounce_sender_arn: key(identityArn, '', 'ARN of the identity, if it belongs to another account', {
    example: 'arn:aws:ses:eu-west-1:123456789012:identity/example.com',
  }),
  reporting_mta: key(reportingMta, '', 'the reporting host that bounces name; empty: the name in config/me', {
    example: 'dns; mx.example.com',
  }),
  regions: key(regionList, '', 'the only regions that are called; empty: the region that the receipt names', {
    example: 'eu-west-1, us-east-1',
  }),
  endpoint: key(endpoint, '', 'empty: AWS; a URL, which may hold {region}; local: the emulator', {
    example: 'http://127.0.0.1:4579',
  }),
  timeout: key(
    duration({ min: 100, max: 5 * MINUTE }),
    '10s',
    'the time limit of a call; after it the outcome is unknown',
  ),
}

export const LIMIT = {
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
}

export const WINDOW = {
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
}

// The tables of [main] and [relay].

import { key } from '../key'
import { cidrList, domainList, wordList } from '../list-parsers'
import { RELAY_RECIPIENTS } from '../settings'
import { choice, labelSeparator } from '../value-parsers'

export const MAIN = {
  mode: key(
    choice(['enforce', 'observe']),
    'enforce',
    'enforce: do what the rules say; observe: decide and log, but change nothing',
  ),
  on_error: key(
    choice(['stop', 'last_good']),
    'stop',
    'what Haraka does at boot when the configuration has errors: stop; last_good: start on the last good configuration',
    {
      note: 'Where the file itself has errors, its on_error counts if the line can be read, else that of the last good configuration. Without one on disk Haraka stops.',
    },
  ),
}

export const RELAY = {
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
}

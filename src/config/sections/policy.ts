// The tables of [content], [guard] and [fallback].

import { fallback, key } from '../key'
import { recipientList } from '../list-parsers'
import { AUTHENTICATION_LEVELS, FULL_ACTIONS } from '../settings'
import { alwaysTrue, boolean, choice, size } from '../value-parsers'

export const CONTENT = {
  limit: key(
    size({ min: 1024, max: 64 * 1024 ** 2 }),
    '256kb',
    'the part of each text of a mail that the condition body searches',
    { note: "The rest isn't searched, and the log says so." },
  ),
}

export const GUARD = {
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
}

export const FALLBACK = {
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
}

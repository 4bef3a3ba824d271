// The tables of [delivery] and [refusals].

import { key } from '../key'
import { domainList } from '../list-parsers'
import { DELIVERY_WINDOWS, OWN_DSNS, SPLITS } from '../settings'
import { choice, surge } from '../value-parsers'

export const DELIVERY = {
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
}

export const REFUSALS = {
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
}

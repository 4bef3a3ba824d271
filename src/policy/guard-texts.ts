// The texts about guards: the meaning of each, its words in the log, and the standard that it follows.
// Plain data; a test compares docs/why-not-bounced.md with it.

import { GUARD_DETAILS } from './guards'

export interface GuardText {
  /** Its key in [guard]; without a key, its words in the log. */
  name: string
  /** Its words in the reply and in the log. */
  details: readonly string[]
  /** When the guard prevents a bounce: one line that can stand alone. */
  meaning: string
  standard: string
  /** The guard has no key, and can't be turned off. */
  hasNoKey?: true
}

/** The guards in the order in which they are checked. */
export const GUARD_TEXTS: readonly GuardText[] = [
  {
    name: 'null_sender',
    details: [GUARD_DETAILS.nullSender],
    meaning: 'the sender of record is <>, so the mail is itself a bounce or a report; always on',
    standard: 'RFC 5321 section 6.1, RFC 3834 section 2',
  },
  {
    name: GUARD_DETAILS.notifyNever,
    details: [GUARD_DETAILS.notifyNever],
    meaning: 'the relay gave the recipient with NOTIFY=NEVER: the sender asked for no bounce; always on',
    standard: 'RFC 3461 section 4.1',
    hasNoKey: true,
  },
  {
    name: GUARD_DETAILS.noAddress,
    details: [GUARD_DETAILS.noAddress],
    meaning: 'the sender of record is not an address, so no bounce can reach it; always on',
    standard: 'RFC 5321 section 4.1.2',
    hasNoKey: true,
  },
  {
    name: GUARD_DETAILS.bounceSender,
    details: [GUARD_DETAILS.bounceSender],
    meaning: 'the recipient is a sender of your bounces, which receives only answers to bounces; always on',
    standard: 'RFC 3834 section 2',
    hasNoKey: true,
  },
  {
    name: GUARD_DETAILS.headerIsCut,
    details: [GUARD_DETAILS.headerIsCut],
    meaning: 'the header has more lines than Haraka keeps ([headers] max_lines in connection.ini); always on',
    standard: 'RFC 3834 section 2',
    hasNoKey: true,
  },
  {
    name: 'own_domains',
    details: [GUARD_DETAILS.ownDomain],
    meaning:
      'the sender is at or below a domain of yours: host_list, [relay] domains, that of the bounce sender or recipient',
    standard: 'RFC 3834 section 2',
  },
  {
    name: 'replied',
    details: [GUARD_DETAILS.automaticReply, GUARD_DETAILS.report],
    meaning:
      'the header says in any form that a machine answered, or reports on a delivery, a reading or a complaint',
    standard: 'RFC 3834 sections 2 and 5, RFC 3464, RFC 6522, RFC 8098, RFC 5965',
  },
  {
    name: 'virus',
    details: [GUARD_DETAILS.virus],
    meaning: "SES's virus verdict is FAIL, or a refusal tells of a virus: the sender is usually forged",
    standard: 'RFC 5321 section 6.2',
  },
  {
    name: 'spam',
    details: [GUARD_DETAILS.spam],
    meaning: "SES's spam verdict is FAIL, or a refusal tells of spam: the sender is usually forged",
    standard: 'RFC 5321 section 6.2',
  },
  {
    name: 'list_mail',
    details: [GUARD_DETAILS.listMail],
    meaning: 'there is a List-* field, or Precedence is bulk, junk or list',
    standard: 'RFC 2369, RFC 2919, RFC 5230 section 4.6',
  },
  {
    name: 'role_addresses',
    details: [GUARD_DETAILS.roleAddress],
    meaning: "the recipient is one of these, which must accept mail, and the rule doesn't name the address",
    standard: 'RFC 5321 section 4.5.1, RFC 2142',
  },
  {
    name: 'authentication',
    details: [GUARD_DETAILS.notAuthenticated],
    meaning: "SES's results don't prove the sender of record, whose address may then be forged",
    standard: 'RFC 5429 section 2.1, RFC 7489',
  },
]

// Signs that a relay stops bounces: it rewrites recipients, though the settings don't say so, or it asks for no
// bounces. Pure. Mail to Bcc recipients and of lists looks the same as rewritten mail, and some senders ask for no bounce, so
// only many mails are a sign.

import type { RelayRecipients } from '../config/settings'

export interface RelaySigns {
  /** Bounces that SES refused, of those on record, for recipients that nothing in the mail confirmed. */
  refused: number
  /** Mails of the last day with one RCPT TO. */
  mails: number
  /** The mails, of `mails`, whose header names the recipient that SES names, and not the one that the relay gave. */
  besideFor: number
  /** The mails, of `mails`, whose recipient the relay gave with NOTIFY=NEVER (RFC 3461 section 4.1). */
  notifyNever: number
}

/** So many refusals aren't a coincidence. */
const ENOUGH = 3

/** The signs as texts for people. `recipients`: the setting. */
export function relayWarnings(signs: RelaySigns, recipients: RelayRecipients): string[] {
  return [...(recipients === 'auto' ? rewritingWarning(signs) : []), ...neverWarning(signs)]
}

function rewritingWarning({ refused, mails, besideFor }: RelaySigns): string[] {
  const signs = [
    ...(refused >= ENOUGH
      ? [`SES refused the bounces to ${refused} recipients that nothing in their mail confirmed`]
      : []),
    ...(isMost(besideFor, mails)
      ? [`${besideFor} of ${mails} mails with one recipient in the last day had another recipient at SES`]
      : []),
  ]
  if (signs.length === 0) return []
  return [
    `the relay seems to rewrite recipients; set [relay] recipients (docs/relays.md): ${signs.join(', and ')}`,
  ]
}

function neverWarning({ mails, notifyNever }: RelaySigns): string[] {
  if (!isMost(notifyNever, mails)) return []
  return [
    `the relay sends NOTIFY=NEVER with RCPT TO, which stops all bounces; it must not (docs/relays.md): ${notifyNever} of ${mails} mails with one recipient in the last day had it`,
  ]
}

function isMost(some: number, all: number): boolean {
  return some >= ENOUGH && some * 2 > all
}

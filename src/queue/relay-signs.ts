// Signs that a relay rewrites recipients, if the settings don't say so. Pure.
// Mail to Bcc recipients and of lists looks the same, so only many mails are a sign.

export interface RelaySigns {
  /** Bounces that SES refused, of those on record, for recipients that nothing in the mail confirmed. */
  refused: number
  /** Mails of the last day with one RCPT TO. */
  mails: number
  /** Of these: the header names the recipient that SES names, and not the one that the relay gave. */
  besideFor: number
}

/** So many refusals aren't a coincidence. */
const ENOUGH = 3

/** Undefined: there is nothing to say. */
export function relayWarning({ refused, mails, besideFor }: RelaySigns): string | undefined {
  const signs = [
    ...(refused >= ENOUGH
      ? [`SES refused the bounces to ${refused} recipients that nothing in their mail confirmed`]
      : []),
    ...(besideFor >= ENOUGH && besideFor * 2 > mails
      ? [`${besideFor} of ${mails} mails with one recipient in the last day had another recipient at SES`]
      : []),
  ]
  if (signs.length === 0) return undefined
  return `the relay seems to rewrite recipients; set [relay] recipients (docs/relays.md): ${signs.join(', and ')}`
}

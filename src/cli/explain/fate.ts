// Describes the outcome for one recipient, and whether the sender learns of it. Pure.

import type { Answer, ExplainedDecision } from './explanation'

export function fateOf(
  { action, deliver, refused, refusedAtOnce }: ExplainedDecision,
  answer: Answer,
): string {
  if (refusedAtOnce)
    return `refused at ${refused?.stage === 'mail' ? 'MAIL' : 'RCPT'}: the relay is told at once`
  if (answer.kind === 'refuse') {
    return answer.code < 500
      ? 'the whole mail gets a temporary refusal, and the relay tries again'
      : 'refused: the relay is told'
  }
  switch (action) {
    case 'accept':
      return "delivered by Haraka's next plugins"
    case 'bounce':
      return deliver ? 'SES tells the sender, and the mail is delivered all the same' : 'SES tells the sender'
    case 'quarantine':
      return 'kept in the quarantine; the sender is not told'
    case 'reject':
      return 'kept in the quarantine, as SMTP has one answer for all recipients; the sender is not told'
    case 'drop':
      return 'accepted and deleted; the sender is not told'
    case 'defer':
      return 'refused temporarily'
  }
}

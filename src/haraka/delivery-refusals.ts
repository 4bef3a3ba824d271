// The recipients for whom a delivery failed, with the words of the server behind Haraka, or Haraka's own.
// Never throws, whatever a server says. Uncertain facts are left out, or marked.

import type { Refusal } from '../mail/refusal'
import { refusalOf } from '../mail/refusal-text'
import { OUTBOUND } from '../mail/refusing-plugins'
import { standsAlways } from '../mail/standing-refusals'
import type { DeliveryNote } from './delivery-note'
import { wasAboutMail, wasRefusedAtRcpt } from './delivery-progress'
import type { Deferral, DeliveryError, OutboundMail, OutboundRecipient } from './outbound-mail'

export interface FailedRecipient {
  target: OutboundRecipient
  refusal: Refusal
  /** The reason why the refusal is no policy of the server about this mail: no rule is asked. */
  stands?: string
  /** The server's reply to this mail, and not Haraka's own words, or a reply to the greeting. */
  isAnswer: boolean
  /** It may be the refusal of another recipient. */
  isMixedUp: boolean
}

/** Haraka's outbound/hmail.js: all tries are used up. */
const GAVE_UP = /^Too many failures\b/
/** It couldn't write its own queue file. */
const OWN_FAULT = /^Error (?:splitting|re-queueing)\b/
/** RFC 3463 section 3.5: delivery time expired. */
const EXPIRED = { code: 450, status: '4.4.7' }

/** For the hook `bounce`: Haraka gives up on these recipients. */
export function refusedRecipients(
  mail: OutboundMail,
  error: DeliveryError,
  note: DeliveryNote,
): FailedRecipient[] {
  const together = recipientsTogether(mail, note)
  const { message } = error
  // Haraka deletes the mail of all that are left, whatever another plugin has made of these lists
  const lists = [error.bounced_rcpt, error.deferred_rcpt, mail.todo?.rcpt_to]
  const targets = lists.find(list => Array.isArray(list) && list.length > 0) ?? []
  const hasGivenUp = GAVE_UP.test(message)
  const isReply = error.bounced_rcpt !== undefined || hasGivenUp || /^5\d\d /.test(message)
  return targets.map(target => {
    const reply = isReply ? replyOf(target) : undefined
    const raw = reply ?? (hasGivenUp ? { ...EXPIRED, text: message } : ownWordsOf(target, message))
    const refusal = refusalOf({ by: OUTBOUND, stage: 'delivery', ...raw })
    const isAnswer = reply !== undefined && (error.bounced_rcpt !== undefined || wasAboutMail(target))
    const stands = standing(refusal, { message, isEarly: reply !== undefined && !hasGivenUp && !isAnswer })
    return {
      target,
      refusal,
      ...(stands !== undefined && { stands }),
      isAnswer,
      isMixedUp: isMixedUp(target, error.mx, together),
    }
  })
}

/** For the hook `deferred`: Haraka would try again. */
export function deferredRecipients(
  mail: OutboundMail,
  deferral: Deferral,
  note: DeliveryNote,
): FailedRecipient[] {
  const together = recipientsTogether(mail, note)
  const { fail_recips: failed, err } = deferral
  const isUpstream = failed !== undefined || /^Upstream error: 4\d\d\b/.test(String(err))
  return (failed ?? mail.todo?.rcpt_to ?? []).map(target => {
    const reply = isUpstream ? replyOf(target) : undefined
    const refusal = refusalOf({
      by: OUTBOUND,
      stage: 'delivery',
      ...(reply ?? { ...EXPIRED, text: String(err) }),
    })
    const stands = standsAlways(refusal)
    return {
      target,
      refusal,
      ...(stands !== undefined && { stands }),
      isAnswer: reply !== undefined && (failed !== undefined || wasAboutMail(target)),
      isMixedUp: isMixedUp(target, deferral.mx, together),
    }
  })
}

function standing(refusal: Refusal, { message, isEarly }: { message: string; isEarly: boolean }) {
  if (OWN_FAULT.test(message)) return 'Haraka could not write its own queue'
  if (isEarly) return 'the server refused Haraka, and not the mail'
  return standsAlways(refusal)
}

type Raw = Pick<Parameters<typeof refusalOf>[0], 'code' | 'status' | 'text' | 'isServers'>

/** Undefined: no server has replied. */
function replyOf({ dsn_smtp_code: code, dsn_smtp_extc: status, dsn_smtp_response: text }: OutboundRecipient) {
  if (!/^[45]\d\d$/.test(textOf(code))) return undefined
  return { code: Number(code), status: textOf(status), text: textOf(text), isServers: true } satisfies Raw
}

/** Haraka's own words, as about a domain without a mail server. */
function ownWordsOf(
  { dsn_code: code, dsn_status: status, dsn_msg: text }: OutboundRecipient,
  message: string,
) {
  const number = /^[45]\d\d$/.test(textOf(code)) ? Number(code) : 550
  return { code: number, status: textOf(status), text: textOf(text) || message } satisfies Raw
}

/**
 * Haraka's outbound/hmail.js, `dot_lmtp`: after a recipient that LMTP has accepted, the refusal of the next one is put on
 * the first. With several recipients only replies to RCPT are certain.
 */
function isMixedUp(target: OutboundRecipient, mx: DeliveryError['mx'], together: number): boolean {
  return Boolean(mx?.using_lmtp) && together > 1 && !wasRefusedAtRcpt(target)
}

/** The number of recipients that a delivery began with: those that are left don't tell it. */
function recipientsTogether({ cfg, todo }: OutboundMail, { recipients }: DeliveryNote): number {
  if (todo === null || cfg?.always_split === true) return 1
  const ending = `@${todo.domain.toLowerCase()}`
  return recipients.flatMap(({ final }) => final).filter(one => one.toLowerCase().endsWith(ending)).length
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

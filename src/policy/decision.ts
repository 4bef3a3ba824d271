// The policy's decision for one recipient: plain data for the plugin, the queue, the log and explain.

import type { FallbackReason, Rate } from '../config/settings'
import type { RecipientFacts } from '../mail/facts'
import type { Refusal } from '../mail/refusal'
import type { EpochMs } from '../units'

export const ACTIONS = ['accept', 'bounce', 'reject', 'defer', 'quarantine', 'drop'] as const
export type Action = (typeof ACTIONS)[number]

/** SES API: BounceType. */
export const BOUNCE_TYPES = [
  'DoesNotExist',
  'MessageTooLarge',
  'ExceededQuota',
  'ContentRejected',
  'Undefined',
  'TemporaryFailure',
] as const
export type BounceType = (typeof BOUNCE_TYPES)[number]

/** A limit on bounces in a time: for one sender, for the senders of a domain, or by a rule. */
export interface Cap {
  by: 'sender' | 'domain' | 'rule'
  /** The result of `senderKey`, a domain as A-labels in lower case, or the rule's name. */
  key: string
  rate: Rate
}

/** A request to the queue: the values of SendBounce that a call has once, and those of this recipient. */
export interface BounceRequest {
  sesId: string
  /** The lane of the call: the region, with an account before it where accounts are configured. */
  region: string
  receivedAtMs: EpochMs
  /** SES accepts no bounce for the mail after this: receipt (or now, if that is earlier) + [window] length. */
  deadlineMs: EpochMs
  /** Sender of record, which gets the bounce. */
  sender: string
  /** The result of `senderKey`: the sender that the bounce counts for. */
  senderKey: string
  bounceSender: string
  bounceSenderArn?: string
  /** `dns; name` */
  reportingMta: string
  /** Printable ASCII, at most 500 characters. Undefined: SES's own text. */
  explanation?: string
  rule: string
  caps: readonly Cap[]
  /** The name of the raw mail's file, without ending. Undefined: the mail isn't kept. */
  kept?: string
  recipient: {
    /** The address that SES had. */
    address: string
    /** Nothing in the mail says that SES had this recipient, so it gets its own call. */
    isUnconfirmed?: boolean
    bounceType: BounceType
    /** RFC 3463: `5.1.1` */
    status: string
    /** `smtp; 550 5.1.1 No such mailbox`, printable ASCII, at most 256 characters. */
    diagnostic: string
  }
}

/** An SMTP answer: enhanced status (RFC 3463) and text. */
export interface Reply {
  status: string
  text: string
}

export interface Decision {
  recipient: RecipientFacts
  /** The name of the rule that decided; undefined: no rule did, so the mail is accepted. */
  rule?: string
  /** The action of the rule. */
  wanted: Action
  /** The action that is carried out: the same, or the fallback. */
  action: Action
  fallback?: { reason: FallbackReason; detail: string }
  /** The refusal for which the rule holds, or which stands. Undefined: nobody refused the recipient. */
  refusal?: Refusal
  /** The name of the account that bounces it. Undefined: there are no accounts in the configuration. */
  account?: string
  /** The mail is bounced and delivered as well. */
  deliver: boolean
  /** The reply for reject and defer. */
  reply?: Reply
  /** For the action bounce. Undefined then: the queue has the bounce already. */
  bounce?: BounceRequest
  /** The mail was kept under this name for an earlier bounce, which has ended since. */
  keptAs?: string
  /** Rules in mode observe that would have decided earlier, or that couldn't be checked, with the reason. */
  observed: { rule: string; action: Action; fault?: string }[]
}

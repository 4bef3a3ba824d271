// What the policy decided for one recipient: plain data for the door, the queue, the log and explain.

import type { FallbackReason, Rate } from '../config/settings'
import type { RecipientFacts } from '../mail/facts'

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

/** How many bounces there may be in a time: for one sender, for the senders of a domain, by a rule. */
export interface Cap {
  by: 'sender' | 'domain' | 'rule'
  /** As `senderKey` has it; A-labels in lower case; the rule's name. */
  key: string
  rate: Rate
}

/** A bounce as the queue takes it: what SendBounce says once per call, and of this recipient. */
export interface BounceRequest {
  sesId: string
  region: string
  receivedAtMs: number
  /** After this SES takes no bounce for the mail: receipt (or now, if that lies in the future) + [window] length. */
  deadlineMs: number
  /** Sender of record: who gets the bounce. */
  sender: string
  /** As `senderKey` makes it: for whom the bounce counts. */
  senderKey: string
  bounceSender: string
  bounceSenderArn?: string
  /** `dns; name` */
  reportingMta: string
  /** Printable ASCII, at most 500 characters. Undefined: SES's own words. */
  explanation?: string
  rule: string
  caps: readonly Cap[]
  /** Of the raw mail's file, without its ending. Undefined: it isn't kept. */
  kept?: string
  recipient: {
    /** As SES knows it. */
    address: string
    /** Nothing in the mail says that SES had this recipient: it gets a call of its own. */
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
  /** Name of the rule that decided; undefined: none did, so the mail is accepted. */
  rule?: string
  /** What the rule says. */
  wanted: Action
  /** What is done: the same, or the fallback. */
  action: Action
  fallback?: { reason: FallbackReason; detail: string }
  /** Bounced and delivered all the same. */
  deliver: boolean
  /** For reject and defer. */
  reply?: Reply
  /** When action is bounce; without one the bounce was taken before, and there is nothing to add. */
  bounce?: BounceRequest
  /** The mail was kept under this name when its bounce, which has ended since, was taken. */
  keptAs?: string
  /** Rules in mode observe that would have decided before, or, with the reason, that couldn't be asked. */
  observed: { rule: string; action: Action; fault?: string }[]
}

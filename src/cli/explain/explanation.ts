// What `explain --json` writes of a mail, as types. The report for people is made of the same.
// Plain data. The texts in it are the mail's own: control characters are for whoever shows them to escape.

import type { FallbackReason } from '../../config/settings'
import type { sendBounceInput } from '../../dispatch/send-bounce'
import type { Content } from '../../mail/content'
import type { Receipt, RecipientFacts } from '../../mail/facts'
import type { Refusal } from '../../mail/refusal'
import type { Action } from '../../policy/decision'
import type { Circumstances } from './assumed'
import type { ExplainedRule } from './explained-rule'

/** Of one mail. */
export interface Explanation extends ExplainedDecisions {
  /** For each recipient, all rules in their order, whether or not an earlier one decided. */
  rules: ExplainedRule[]
}

/** Of one mail among many: the same without `rules`. */
export interface ExplainedDecisions {
  /** What SES wrote; null: nothing that can be read, and `receiptFault` says why. */
  receipt: ExplainedReceipt | null
  receiptFault?: string
  /** Null: no rule asked for it. */
  content: ExplainedContent | null
  /** One for each recipient. */
  decisions: ExplainedDecision[]
  warnings: string[]
  /** By what clock: ISO 8601. */
  at: string
  envelope: { sender: string; recipients: string[]; relayIp: string; sizeBytes: number }
  /** Where what wasn't given is from. */
  assumed: Circumstances['assumed']
  answer: Answer
  /** Why the plugin would let the mail pass as it is, whatever its rules say. */
  untouched?: string
}

export interface ExplainedReceipt extends Omit<Receipt, 'receivedAtMs'> {
  /** ISO 8601. */
  receivedAt: string
}

export interface ExplainedContent {
  attachments: Content['attachments']
  /** What body patterns see, shortened. */
  texts: string[]
  textCharacters: number
  /** A text is longer than [content] limit. */
  isCut: boolean
}

export interface ExplainedDecision {
  /** Of record. */
  recipient: string
  /** How that was established. */
  source: RecipientFacts['source']
  /** As the relay gave it. */
  envelopeRecipient: string
  /** The refusal of another plugin for which the rule holds, or which stands; null: nobody refused. */
  refused: Refusal | null
  /** The relay hears it at MAIL or RCPT, so the recipient is no part of the mail. */
  refusedAtOnce?: true
  /** Null: none holds. */
  rule: string | null
  /** What the rule says. */
  wanted: Action
  /** What is done. */
  action: Action
  /** Bounced and delivered all the same. */
  deliver: boolean
  /** Why there is no bounce; null: there is one, or none was wanted. */
  reason: FallbackReason | null
  detail?: string
  /** `550 5.1.1 No such mailbox`: what the recipient's part of the answer would be. */
  reply: string | null
  /** The whole input of the call that is made; recipients that share a call each have it. */
  sendBounce: ReturnType<typeof sendBounceInput> | null
  /** Rules in mode observe that hold. */
  observed: { rule: string; action: Action }[]
}

/** The one answer for all recipients. `goesOnTo`: whom the next plugins of Haraka deliver to. */
export type Answer =
  | { kind: 'pass'; goesOnTo: string[] }
  | { kind: 'refuse'; code: number; text: string }
  | { kind: 'commit'; goesOnTo: string[]; quarantined: string[] }

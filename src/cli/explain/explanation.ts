// Types of the output of `explain --json`. The report for people is made from the same data.
// The texts come from the mail; the code that shows them escapes control characters.

import type { FallbackReason } from '../../config/settings'
import type { sendBounceInput } from '../../dispatch/send-bounce'
import type { Content } from '../../mail/content'
import type { Receipt, RecipientFacts } from '../../mail/facts'
import type { Refusal } from '../../mail/refusal'
import type { Action } from '../../policy/decision'
import type { Circumstances } from './assumed'
import type { ExplainedRule } from './explained-rule'

/** The explanation of one mail. */
export interface Explanation extends ExplainedDecisions {
  /** For each recipient, all rules in their order, whether or not an earlier one decided. */
  rules: ExplainedRule[]
}

/** The explanation of one mail among many: the same without `rules`. */
export interface ExplainedDecisions {
  /** SES's receipt. Null: there is none that can be read; `receiptFault` gives the reason. */
  receipt: ExplainedReceipt | null
  receiptFault?: string
  /** Null: no rule needed it. */
  content: ExplainedContent | null
  /** One for each recipient. */
  decisions: ExplainedDecision[]
  warnings: string[]
  /** The assumed time, ISO 8601. */
  at: string
  envelope: { sender: string; recipients: string[]; relayIp: string; sizeBytes: number }
  /** The sources of assumed values. */
  assumed: Circumstances['assumed']
  answer: Answer
  /** The reason why the plugin would pass the mail unchanged. */
  untouched?: string
  /** No rule can hold for it, so the plugin passes it over without a log line for its recipients. */
  passedOver?: true
}

export interface ExplainedReceipt extends Omit<Receipt, 'receivedAtMs'> {
  /** ISO 8601. */
  receivedAt: string
}

export interface ExplainedContent {
  attachments: Content['attachments']
  /** The texts that body patterns match, shortened. */
  texts: string[]
  textCharacters: number
  /** A text is longer than [content] limit. */
  isCut: boolean
}

export interface ExplainedDecision {
  /** The recipient of record. */
  recipient: string
  /** The way in which the recipient was determined. */
  source: RecipientFacts['source']
  /** The recipient as the relay gave it. */
  envelopeRecipient: string
  /** The refusal of another plugin for which the rule holds, or which stands; null: nobody refused. */
  refused: Refusal | null
  /** The relay hears it at MAIL or RCPT, so the recipient is no part of the mail. */
  refusedAtOnce?: true
  /** Null: none holds. */
  rule: string | null
  /** The rule's action. */
  wanted: Action
  /** The action that is carried out. */
  action: Action
  /** The account that bounces it, and its lane; only with accounts in the configuration. */
  account?: string
  lane?: string
  /** Bounced and delivered all the same. */
  deliver: boolean
  /** The reason why there is no bounce. Null: there is one, or none was wanted. */
  reason: FallbackReason | null
  detail?: string
  /** `550 5.1.1 No such mailbox`: the reply if it were only for this recipient. */
  reply: string | null
  /** The whole input of the call that is made; recipients that share a call each have it. */
  sendBounce: ReturnType<typeof sendBounceInput> | null
  /** Rules in mode observe that hold. */
  observed: { rule: string; action: Action }[]
}

/** The one reply for all recipients. `goesOnTo`: the recipients that Haraka's next plugins deliver to. */
export type Answer =
  | { kind: 'pass'; goesOnTo: string[] }
  | { kind: 'refuse'; code: number; text: string }
  | { kind: 'commit'; goesOnTo: string[]; quarantined: string[] }

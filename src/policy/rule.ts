// A compiled policy: rules with their conditions and outcomes, and the settings that decisions need.
// Plain data that doesn't change: a new configuration makes a new policy.

import type { FallbackAction, FallbackReason, GuardSettings, Rate } from '../config/settings'
import type { AsciiDomain } from '../units'
import type { Accounts } from './accounts'
import type { Action, BounceType } from './decision'
import type { Field } from './fields'
import type { Matcher } from './patterns'
import type { RuleIndex } from './rule-index'
import type { Searches } from './searches'
import type { Template } from './templates'

export interface Condition {
  /** The key as the file has it: `not.recipient`. */
  key: string
  negated: boolean
  line: number
  /** The value as the file has it, after the `=`. */
  value: string
  field: Field
  /** For a family: the part of the key after the family's name. Else ''. */
  member: string
  matcher: Matcher
}

export interface BounceOutcome {
  action: 'bounce'
  type: BounceType
  /** RFC 3463: `5.1.1` */
  status: string
  text?: Template
  /** Begins with its type: `smtp; ...` */
  diagnostic?: Template
  sender: Template
  /** The mail is bounced and delivered as well. */
  deliver: boolean
  /** The rule's own fallback, for every reason. */
  fallback?: FallbackAction
  cap?: Rate
  /** [guard] with the rule's own guard settings. */
  guard: GuardSettings
  /** The keys that the rule leaves to the refusal. They are empty for mail that nobody refused. */
  fromRefusal: readonly ('type' | 'status' | 'diagnostic')[]
}

export interface RefusalOutcome {
  action: 'reject' | 'defer'
  /** RFC 3463 status of the class that fits the action. */
  status: string
  text: Template
  /** The rule has no reply: that of the refusal goes out. */
  isRefusalsOwn?: true
}

export type Outcome =
  | BounceOutcome
  | RefusalOutcome
  | { action: Exclude<Action, 'bounce' | 'reject' | 'defer'> }

export interface Rule {
  name: string
  line: number
  /** `observe`: the rule is logged when it holds, and the rules below it decide. */
  mode: 'enforce' | 'observe'
  /** It has a condition `refused.`, and is only checked for refusals. */
  ofRefusals: boolean
  /** In the order in which they are checked: cheap ones first. */
  conditions: readonly Condition[]
  /** Keys (addressKey) of the recipients that its conditions name one by one, lists not included. */
  named: ReadonlySet<string>
  outcome: Outcome
}

export interface Policy {
  rules: readonly Rule[]
  /** The rules that are checked for mail that nobody refused. */
  index: RuleIndex
  /** The rules that are checked for refusals. */
  refusalIndex: RuleIndex
  /** For each condition's values, by its key without `not.`: `body`, `subject`, `header.x-mailer`. */
  searches: ReadonlyMap<string, Searches>
  /** A rule asks for the files in archives, so archives are opened. */
  opensArchives: boolean
  /** [refusals] hide: domains of inner hosts. */
  hidden: readonly string[]
  /** [ses] regions. Empty: any. */
  regions: readonly string[]
  window: { lengthMs: number; marginMs: number }
  perSender?: Rate
  perSenderDomain?: Rate
  fallback: Readonly<Record<FallbackReason, FallbackAction>>
  bounceSenderArn?: string
  /** [ses] bounce_sender, and those of the rules; each once. */
  bounceSenders: readonly Template[]
  accounts: Accounts
  /** `dns; name` */
  reportingMta: string
  /** Whether SES receives for a domain (A-labels, lower case). */
  receivesFor: (domain: AsciiDomain) => boolean
  /** Whether a domain of ours belongs to the same organisation as this one. */
  isOfOwnOrganisation: (domain: AsciiDomain) => boolean
  /** [relay] label_separator. */
  labelSeparator: string
}

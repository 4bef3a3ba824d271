// Decides for each recipient of a mail: finds the first rule that holds, and whether its bounce may be made.
// Without such a rule the mail is accepted, or the refusal by another plugin stands. A rule that needs unreadable content
// decides by its fallback. Rejects only if content can't be read for now, or the mail's match budget is spent: then nothing
// is decided.

import type { FallbackReason } from '../config/settings'
import { formatDuration } from '../config/values'
import { type Eventually, run, type Steps, wait } from '../eventually'
import { addressKey } from '../mail/address'
import type { ConfirmedFacts, MailFacts, Receipt, RecipientFacts } from '../mail/facts'
import { withoutLabel } from '../mail/label'
import type { Refusal } from '../mail/refusal'
import { UnreadableError } from '../mail/unreadable'
import type { EpochMs } from '../units'
import { laneFor, NO_ACCOUNT } from './accounts'
import { asksAttachment, attachmentName } from './attachment-name'
import { GUARD_FIELDS } from './automatic'
import { bounceSender, bounceSenders, makeBounce } from './bounce'
import { REPLY_TEXTS, TYPE_TEXTS } from './bounce-types'
import type { Decision, Reply } from './decision'
import { valuesByRecipient } from './evaluate'
import { fallBackSaying } from './fallback'
import { cannotBeAsked, firstRule } from './first-rule'
import { guard } from './guards'
import { hideInternal } from './hide-internal'
import type { MatchBudget } from './match-budget'
import { MISMATCH_DETAILS } from './mismatch-details'
import { standingRefusal, withRefusal } from './refusal-outcome'
import type { BounceOutcome, Policy, Rule } from './rule'
import { standsFor } from './standing'
import { fill, REPLY_CHARACTERS, type Template, type TemplateName, valuesOf } from './templates'

/** The reply for unreadable mail: the rule's own text is only for mail for which the rule holds. */
const UNREADABLE: Reply = { status: '5.6.0', text: "The mail can't be read" }

/** The mail to decide about. */
interface Case {
  policy: Policy
  confirmed: ConfirmedFacts
  nowMs: EpochMs
}

/** One decision for each of `facts.recipients`, in their order; at once, where nothing has to be waited for. */
export function decide(
  policy: Policy,
  facts: MailFacts,
  nowMs: EpochMs,
  budget: MatchBudget,
): Eventually<Decision[]> {
  return run(decideInSteps(policy, facts, nowMs, budget))
}

function* decideInSteps(
  policy: Policy,
  facts: MailFacts,
  nowMs: EpochMs,
  budget: MatchBudget,
): Steps<Decision[]> {
  const valuesFor = valuesByRecipient(facts, nowMs, budget)
  const decisions: Decision[] = []
  // rules that can't hold for any recipient are checked only once
  const ruledOut = new Set<Rule>()
  for (const recipient of facts.recipients) {
    const [refused] = recipient.envelope.refusals ?? []
    const standing = recipient.envelope.refusals?.find(
      one => standsFor(policy, recipient.envelope.address, one) !== undefined,
    )
    if (standing !== undefined) {
      decisions.push(standingRefusal(standing, { recipient, observed: [] }))
      continue
    }
    const { rule, refusal, observed, unreadable } = yield* firstRule(
      policy,
      recipient,
      valuesFor(recipient),
      budget,
      ruledOut,
    )
    if (rule === undefined) {
      decisions.push(
        refused === undefined
          ? { recipient, wanted: 'accept', action: 'accept', deliver: false, observed }
          : standingRefusal(refused, { recipient, observed }),
      )
      continue
    }
    const { action } = rule.outcome
    const decision = {
      recipient,
      rule: rule.name,
      wanted: action,
      action,
      deliver: false,
      observed,
      ...(refusal && { refusal }),
    }
    const name = unreadable ?? (asksAttachment(rule) ? yield* wait(attachmentOf(rule, facts, budget)) : '')
    if (typeof name !== 'string') {
      decisions.push(fallBackSaying(policy, decision, UNREADABLE, 'unreadable', name.message))
      continue
    }
    // only a bounce needs the facts in SES's and the sender's fields confirmed
    const confirmed =
      action === 'bounce' && facts.confirm ? yield* wait(facts.confirm(GUARD_FIELDS)) : { facts }
    if ('difference' in confirmed) noteDifference(facts, confirmed)
    const valueOf = valuesOf(facts, recipient, rule.name, name, shown(refusal, policy))
    decisions.push(applyOutcome({ policy, confirmed, nowMs }, rule, decision, valueOf))
  }
  return decisions
}

/** The sender may have meant the mail for one of the two. */
function differs({ difference }: Extract<ConfirmedFacts, { difference: string }>): string {
  return `the header can be read in two ways: ${difference}`
}

function noteDifference(facts: MailFacts, found: Extract<ConfirmedFacts, { difference: string }>): void {
  const warning = `no bounce, as ${differs(found)}`
  if (!facts.warnings.includes(warning)) facts.warnings.push(warning)
}

/** The refusal for the sender, with internal names and addresses hidden in the reply. */
function shown(refusal: Refusal | undefined, { hidden }: Policy): Refusal | undefined {
  return refusal && { ...refusal, reply: hideInternal(refusal.reply, hidden) }
}

async function attachmentOf(
  rule: Rule,
  facts: MailFacts,
  budget: MatchBudget,
): Promise<string | UnreadableError> {
  try {
    return await attachmentName(rule, facts, budget)
  } catch (error) {
    if (error instanceof UnreadableError) return error
    throw cannotBeAsked(rule, error)
  }
}

function applyOutcome(
  mail: Case,
  rule: Rule,
  decision: Decision,
  valueOf: (name: TemplateName) => string,
): Decision {
  const { outcome } = rule
  switch (outcome.action) {
    case 'bounce':
      return bounce(mail, { ...rule, outcome }, decision, valueOf)
    case 'reject':
    case 'defer': {
      if (outcome.isRefusalsOwn && decision.refusal)
        return { ...standingRefusal(decision.refusal, decision), rule: rule.name }
      const { text } = REPLY_TEXTS[outcome.action]
      return { ...decision, reply: { status: outcome.status, text: saying(outcome.text, valueOf, text) } }
    }
    case 'accept':
    case 'quarantine':
    case 'drop':
      return decision
  }
}

type BounceRule = Rule & { outcome: BounceOutcome }

function bounce(
  { policy, confirmed, nowMs }: Case,
  rule: BounceRule,
  decision: Decision,
  valueOf: (name: TemplateName) => string,
): Decision {
  const { recipient, refusal } = decision
  const outcome = refusal ? withRefusal(rule.outcome, refusal) : rule.outcome
  const said: Reply = {
    status: outcome.status,
    text: saying(outcome.text, valueOf, TYPE_TEXTS[outcome.type].text),
  }
  const refuse = (reason: FallbackReason, detail: string): Decision =>
    fallBackSaying(policy, decision, said, reason, detail)

  if ('difference' in confirmed) return refuse('no_receipt', differs(confirmed))
  const { facts } = confirmed
  const { receipt } = facts
  const missing = missingFor(policy, facts)
  if (receipt === undefined || missing !== undefined) return refuse('no_receipt', missing ?? '')
  if (recipient.source === 'mismatch')
    return refuse('mismatch', MISMATCH_DETAILS[recipient.mismatch ?? 'unknown'])
  const { lane, account } = laneFor(policy.accounts, receipt.region, recipient.address) ?? {}
  if (lane === undefined) return refuse('no_receipt', NO_ACCOUNT)
  const sender = bounceSender(outcome.sender, valueOf)
  if (sender === undefined) return refuse('unsafe', 'no usable bounce sender')
  const held = guard(facts, recipient, outcome.guard, {
    bounceSender: sender,
    bounceSenders: bounceSenders(policy, valueOf),
    receivesFor: domain => policy.receivesFor(domain),
    labelSeparator: policy.labelSeparator,
    isNamed: isNamed(rule, recipient, policy.labelSeparator),
  })
  if (held !== undefined) return refuse('unsafe', held)
  const deadlineMs = deadline(policy, receipt, nowMs)
  if (nowMs > deadlineMs - policy.window.marginMs) {
    return refuse('expired', `later than ${formatDuration(policy.window.lengthMs)} after its receipt`)
  }
  const request = makeBounce(
    policy,
    { ...rule, outcome },
    { facts, receipt, lane, recipient, deadlineMs },
    sender,
    valueOf,
  )
  return {
    ...decision,
    ...(account && { account: account.name }),
    deliver: outcome.deliver,
    bounce: request,
  }
}

function saying(
  template: Template | undefined,
  valueOf: (name: TemplateName) => string,
  defaultText: string,
): string {
  return (template && fill(template, valueOf, REPLY_CHARACTERS)) || defaultText
}

/** The part of a receipt that is missing for a bounce; undefined: it is complete. */
function missingFor(policy: Policy, { receipt, receiptFault }: MailFacts): string | undefined {
  if (receipt === undefined) return receiptFault ?? 'no receipt of SES'
  if (receipt.returnPath === undefined) return 'no Return-Path of SES'
  if (policy.regions.length === 0 || policy.regions.includes(receipt.region)) return undefined
  return `region ${receipt.region} is not in use`
}

/** SES API: SendBounce, within 24 hours of receipt. A receipt from the future counts as one of now. */
function deadline(policy: Policy, receipt: Receipt, nowMs: EpochMs): number {
  return Math.min(receipt.receivedAtMs, nowMs) + policy.window.lengthMs
}

/** The rule names the recipient's address, with or without its label. */
export function isNamed(rule: Rule, recipient: RecipientFacts, labelSeparator: string): boolean {
  return [recipient.address, recipient.envelope.address].map(addressKey).some(key => {
    return rule.named.has(key) || rule.named.has(withoutLabel(key, labelSeparator))
  })
}

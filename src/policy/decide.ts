// Decides, for each recipient of a mail: the first rule that holds, and whether the bounce that it wants may be made.
// Never throws, whatever the mail holds. Without a rule that holds, the mail is accepted.

import { addressKey } from '../mail/address'
import type { MailFacts, Receipt, RecipientFacts } from '../mail/facts'
import type { FallbackReason } from '../settings/settings'
import { formatDuration } from '../settings/values'
import { bounceSender, makeBounce } from './bounce'
import { REPLY_TEXTS, TYPE_TEXTS } from './bounce-types'
import type { Decision, Reply } from './decision'
import { failingCondition, type Values, valuesByRecipient } from './evaluate'
import { fallBackSaying } from './fallback'
import { guard } from './guards'
import type { BounceOutcome, Policy, Rule } from './rule'
import { fill, REPLY_CHARACTERS, type Template, type TemplateName, valuesOf } from './templates'

/** One decision for each of `facts.recipients`, in their order. */
export function decide(policy: Policy, facts: MailFacts, nowMs: number): Decision[] {
  const valuesFor = valuesByRecipient(facts, nowMs)
  return facts.recipients.map(recipient => {
    const { rule, observed } = firstRule(policy, valuesFor(recipient))
    if (rule === undefined) return { recipient, wanted: 'accept', action: 'accept', deliver: false, observed }
    const { action } = rule.outcome
    const decision = { recipient, rule: rule.name, wanted: action, action, deliver: false, observed }
    return carryOut(policy, facts, nowMs, rule, decision)
  })
}

function firstRule(policy: Policy, values: Values): { rule?: Rule; observed: Decision['observed'] } {
  const observed: Decision['observed'] = []
  for (const rule of policy.rules) {
    if (failingCondition(rule, values) !== undefined) continue
    if (rule.mode === 'enforce') return { rule, observed }
    observed.push({ rule: rule.name, action: rule.outcome.action })
  }
  return { observed }
}

function carryOut(policy: Policy, facts: MailFacts, nowMs: number, rule: Rule, decision: Decision): Decision {
  const { outcome } = rule
  switch (outcome.action) {
    case 'bounce':
      return bounce(policy, facts, nowMs, { ...rule, outcome }, decision)
    case 'reject':
    case 'defer': {
      const valueOf = valuesOf(facts, decision.recipient, rule.name)
      const standard = REPLY_TEXTS[outcome.action].text
      return { ...decision, reply: { status: outcome.status, text: saying(outcome.text, valueOf, standard) } }
    }
    case 'accept':
    case 'quarantine':
    case 'drop':
      return decision
  }
}

type BounceRule = Rule & { outcome: BounceOutcome }

function bounce(
  policy: Policy,
  facts: MailFacts,
  nowMs: number,
  rule: BounceRule,
  decision: Decision,
): Decision {
  const { recipient } = decision
  const { outcome } = rule
  const valueOf = valuesOf(facts, recipient, rule.name)
  const said: Reply = {
    status: outcome.status,
    text: saying(outcome.text, valueOf, TYPE_TEXTS[outcome.type].text),
  }
  const refuse = (reason: FallbackReason, detail: string): Decision =>
    fallBackSaying(policy, decision, said, reason, detail)

  const receipt = facts.receipt
  const missing = missingFor(policy, facts)
  if (receipt === undefined || missing !== undefined) return refuse('no_receipt', missing ?? '')
  if (recipient.source === 'mismatch') return refuse('mismatch', 'recipient not known to SES')
  const sender = bounceSender(outcome.sender, valueOf)
  if (sender === undefined) return refuse('unsafe', 'no usable bounce sender')
  const held = guard(facts, recipient, outcome.guard, {
    bounceSender: sender,
    receivesFor: domain => policy.receivesFor(domain),
    isNamed: isNamed(rule, recipient),
  })
  if (held !== undefined) return refuse('unsafe', held)
  const deadlineMs = deadline(policy, receipt, nowMs)
  if (nowMs > deadlineMs - policy.window.marginMs) {
    return refuse('expired', `later than ${formatDuration(policy.window.lengthMs)} after its receipt`)
  }
  const request = makeBounce(policy, rule, { facts, receipt, recipient, deadlineMs }, sender, valueOf)
  return { ...decision, deliver: outcome.deliver, bounce: request }
}

function saying(
  template: Template | undefined,
  valueOf: (name: TemplateName) => string,
  standard: string,
): string {
  return (template && fill(template, valueOf, REPLY_CHARACTERS)) || standard
}

/** What of a receipt a bounce would need; undefined: it is all there. */
function missingFor(policy: Policy, { receipt, receiptFault }: MailFacts): string | undefined {
  if (receipt === undefined) return receiptFault ?? 'no receipt of SES'
  if (receipt.returnPath === undefined) return 'no Return-Path of SES'
  if (policy.regions.length === 0 || policy.regions.includes(receipt.region)) return undefined
  return `region ${receipt.region} is not in use`
}

/** SES API: SendBounce, within 24 hours of receipt. A receipt from the future gains nothing by it. */
function deadline(policy: Policy, receipt: Receipt, nowMs: number): number {
  return Math.min(receipt.receivedAtMs, nowMs) + policy.window.lengthMs
}

function isNamed(rule: Rule, recipient: RecipientFacts): boolean {
  return [recipient.address, recipient.envelope.address].some(address => rule.named.has(addressKey(address)))
}

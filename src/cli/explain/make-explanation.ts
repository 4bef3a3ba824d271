// Makes the explanation of a mail from the results of the plugin's own code: decisions, plan, calls. Pure.

import type { ActiveConfig } from '../../app/active-config'
import { type CommitPlan, planFor, replyText } from '../../app/plan'
import { sendBounceInput } from '../../dispatch/send-bounce'
import { addressKey } from '../../mail/address'
import type { Content } from '../../mail/content'
import type { Receipt } from '../../mail/facts'
import type { BounceRequest, Decision } from '../../policy/decision'
import { jobsFor } from '../../queue/calls'
import type { Circumstances, Relay } from './assumed'
import type { ExaminedMail } from './examined'
import type {
  Answer,
  ExplainedContent,
  ExplainedDecision,
  ExplainedDecisions,
  ExplainedReceipt,
} from './explanation'

const SHOWN_TEXT_CHARACTERS = 2000

export function explain(
  examined: ExaminedMail,
  { assumed }: Circumstances,
  untouched: string | undefined,
): ExplainedDecisions {
  const { facts, decisions, atOnce, nowMs } = examined
  const { receipt, receiptFault, envelope } = facts
  const read = examined.content()
  const ofMail = decisions.filter(decision => !atOnce.has(decision))
  const plan = planFor(ofMail)
  return {
    receipt: receipt ? explainReceipt(receipt) : null,
    ...(receiptFault !== undefined && { receiptFault }),
    content: read ? explainContent(read) : null,
    decisions: explainDecisions(examined, plan.kind === 'commit' ? plan.bounces.map(one => one.request) : []),
    warnings: [...new Set(facts.warnings), ...(plan.kind === 'commit' ? swallowed(plan) : [])],
    at: new Date(nowMs).toISOString(),
    envelope: {
      sender: envelope.sender,
      recipients: envelope.recipients.map(({ address }) => address),
      relayIp: envelope.relayIp,
      sizeBytes: envelope.sizeBytes,
    },
    assumed,
    answer: answerOf(ofMail, decisions),
    ...(untouched !== undefined && { untouched }),
    ...(examined.isPassedOver && { passedOver: true as const }),
  }
}

/** The reason why the plugin would not act on mail of that relay. */
export function untouchedBecause(activeConfig: ActiveConfig, { ip, isLoggedIn }: Relay): string | undefined {
  const { settings, idle } = activeConfig
  if (idle) return 'no relay is trusted ([relay] trusted in ses-bounce.ini)'
  if (!isLoggedIn && !activeConfig.trusts(ip, undefined))
    return `${ip} is not a trusted relay ([relay] trusted in ses-bounce.ini)`
  return settings.main.mode === 'observe' ? 'mode = observe in ses-bounce.ini' : undefined
}

function explainReceipt({ receivedAtMs, ...receipt }: Receipt): ExplainedReceipt {
  return { ...receipt, receivedAt: new Date(receivedAtMs).toISOString() }
}

function explainContent({ texts, attachments, isCut }: Content): ExplainedContent {
  return {
    attachments,
    texts: texts.map(text => text.slice(0, SHOWN_TEXT_CHARACTERS)),
    textCharacters: texts.reduce((sum, text) => sum + text.length, 0),
    isCut,
  }
}

/** `bounces`: those that are made. */
function explainDecisions(
  { decisions, atOnce, nowMs }: ExaminedMail,
  bounces: readonly BounceRequest[],
): ExplainedDecision[] {
  const inputs = new Map(
    jobsFor(bounces, nowMs).flatMap(job => {
      const input = sendBounceInput(job)
      return job.recipients.map(({ address }) => [addressKey(address), input] as const)
    }),
  )
  return decisions.map(decision => {
    const { recipient, fallback, bounce } = decision
    return {
      recipient: recipient.address,
      source: recipient.source,
      envelopeRecipient: recipient.envelope.address,
      refused: decision.refusal ?? null,
      ...(atOnce.has(decision) && { refusedAtOnce: true as const }),
      rule: decision.rule ?? null,
      wanted: decision.wanted,
      action: decision.action,
      ...(decision.account !== undefined && { account: decision.account }),
      ...(decision.account !== undefined && bounce && { lane: bounce.region }),
      deliver: decision.deliver,
      reason: fallback?.reason ?? null,
      ...(fallback && { detail: fallback.detail }),
      reply: fullReply(decision),
      sendBounce: bounce ? (inputs.get(addressKey(bounce.recipient.address)) ?? null) : null,
      observed: decision.observed,
    }
  })
}

/** The reply with the code that Haraka puts before it. */
function fullReply(decision: Decision): string | null {
  const { action, reply } = decision
  return reply ? `${action === 'defer' ? 450 : codeOf(decision)} ${replyText(reply)}` : null
}

/** A refusal that stands has its own code. */
function codeOf({ refusal, reply }: Decision): number {
  const isItself = refusal?.reply === reply?.text && refusal?.status === reply?.status
  return refusal && isItself ? refusal.code : 550
}

/** `all`: with those that the relay heard of at MAIL or RCPT. */
function answerOf(decisions: readonly Decision[], all: readonly Decision[]): Answer {
  const [first] = decisions.length === 0 ? all : []
  if (first?.reply) return { kind: 'refuse', code: codeOf(first), text: replyText(first.reply) }
  const plan = planFor(decisions)
  switch (plan.kind) {
    case 'pass':
      return { kind: 'pass', goesOnTo: decisions.map(givenAddress) }
    case 'refuse':
      return {
        kind: 'refuse',
        code: plan.temporary ? 450 : refusedCode(decisions),
        text: replyText(plan.reply),
      }
    case 'commit': {
      const consumed = new Set(plan.consumed)
      return {
        kind: 'commit',
        goesOnTo: decisions.filter(decision => !consumed.has(decision)).map(givenAddress),
        quarantined: plan.held.map(({ decision }) => givenAddress(decision)),
      }
    }
  }
}

function refusedCode([first]: readonly Decision[]): number {
  return first ? codeOf(first) : 550
}

function givenAddress({ recipient }: Decision): string {
  return recipient.envelope.address
}

function swallowed({ swallowedRejects }: CommitPlan): string[] {
  return swallowedRejects.map(
    ({ recipient }) =>
      `${recipient.address} is rejected, but quarantined: SMTP has one reply for all recipients`,
  )
}

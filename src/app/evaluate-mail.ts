// One mail through facts, rules, guards, window and queue, to a plan. Changes nothing; `commitPlan` does.
// A fault of the store is thrown: the door answers with a temporary refusal.

import { addressKey } from '../mail/address'
import type { Content } from '../mail/content'
import type { Envelope, MailFacts } from '../mail/facts'
import { readFacts } from '../mail/read-facts'
import { scanTraceHeaders } from '../mail/scan-trace-headers'
import { decide } from '../policy/decide'
import type { Decision } from '../policy/decision'
import { fallBack } from '../policy/fallback'
import { MatchBudget, type MatchBudgetOptions } from '../policy/match-budget'
import { mightMatchAnyRule } from '../policy/might-match'
import type { Policy } from '../policy/rule'
import { type Added, hasEnded } from '../queue/job'
import type { WorkerQueue } from '../queue/store'
import type { ActiveConfig } from './active-config'
import { admitter, forecast, mustBeAlive } from './admission'
import { capper } from './caps'
import { logLine } from './log-line'
import { type Plan, planFor } from './plan'

export interface IncomingMail {
  envelope: Envelope
  /** As in Haraka's `transaction.header_lines`. */
  headerLines: readonly string[]
  /** Haraka kept only its beginning. */
  headerIsCut: boolean
  /** How many fields at its top are Haraka's own. */
  ownFields: number
  /** Haraka's [max] data_line_length; undefined: what it is by default. */
  lineLength?: number | undefined
  nowMs: number
  /** Of the clock that is never set. */
  nowMonoMs: number
  /** Asked when a rule asks, and at most once. */
  content(): Promise<Content>
  results: MailFacts['results']
  search: MatchBudgetOptions['search']
}

/** The job of a decision for a bounce. */
export type Jobs = ReadonlyMap<Decision, Pick<Added, 'jobId' | 'outcome'>>

export interface MailEvaluation {
  facts: MailFacts
  decisions: readonly Decision[]
  /** Jobs that the decisions' recipients have already. */
  known: Jobs
  plan: Plan
}

/** What is known of a mail, and what the policy says to it, before the queue is asked. */
export interface PolicyEvaluation {
  facts: MailFacts
  decisions: readonly Decision[]
}

/** Undefined: no rule can concern this mail, whatever its header says. */
export async function evaluateMail(
  mail: IncomingMail,
  activeConfig: ActiveConfig,
  queue: () => WorkerQueue,
): Promise<MailEvaluation | undefined> {
  const { policy, settings } = activeConfig
  const candidates = scanTraceHeaders(mail.headerLines, mail.ownFields, mail.lineLength)
  if (candidates && !mightMatchAnyRule(policy, { envelope: mail.envelope, ...candidates })) return undefined
  const { facts, decisions: decided } = await evaluatePolicy(mail, activeConfig)
  if (settings.main.mode === 'observe')
    return { facts, decisions: decided, known: new Map(), plan: { kind: 'pass' } }
  const { decisions, known } = askQueue(facts, decided, activeConfig, queue, mail)
  return { facts, decisions, known, plan: planFor(decisions) }
}

/** The policy's word alone: the same for whoever asks, and however often. */
export async function evaluatePolicy(
  mail: IncomingMail,
  { policy, settings }: ActiveConfig,
): Promise<PolicyEvaluation> {
  const facts = await readFacts({
    ...mail,
    receivesFor: policy.receivesFor,
    isOfOwnOrganisation: policy.isOfOwnOrganisation,
    relayRecipients: settings.relay.recipients,
  })
  const budget = new MatchBudget({ search: mail.search })
  try {
    return { facts, decisions: await decide(policy, facts, mail.nowMs, budget) }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(logLine({ ses_id: facts.receipt?.sesId, reason }), { cause: error })
  }
}

/** Recipients that the relay delivers again, bounces that could not start in time, and those that are too many. */
function askQueue(
  facts: MailFacts,
  decided: readonly Decision[],
  activeConfig: ActiveConfig,
  queue: () => WorkerQueue,
  mail: IncomingMail,
): { decisions: Decision[]; known: Jobs } {
  const { policy } = activeConfig
  const known = new Map<Decision, { jobId: string; outcome: 'known' }>()
  const { sesId } = facts.receipt ?? {}
  const before = sesId === undefined ? undefined : queue().known(sesId)
  const overCap = capper(queue, mail.nowMs)
  const tooLate = admitter(queue, mail.nowMs, forecast(activeConfig.settings, mail.nowMonoMs))
  const decisions = decided.map(decision => {
    const earlier = before?.get(addressKey(decision.recipient.address))
    if (earlier && !hasEnded(earlier.state)) {
      // its sender is told, or will be: whatever the rules say by now
      const taken = alreadyBounced(policy, decision, earlier.rule)
      known.set(taken, { jobId: earlier.jobId, outcome: 'known' })
      return taken
    }
    const { bounce } = decision
    if (decision.action !== 'bounce' || bounce === undefined) return decision
    if (earlier) {
      const detail = `its bounce has ${earlier.state} already, as job ${earlier.jobId}`
      const ended = fallBack(policy, decision, 'ended', detail)
      return earlier.kept === undefined ? ended : { ...ended, keptAs: earlier.kept }
    }
    mustBeAlive(queue(), mail.nowMonoMs)
    const late = tooLate(bounce)
    if (late !== undefined) return fallBack(policy, decision, 'overload', late)
    const capped = overCap(bounce)
    if (capped !== undefined) return fallBack(policy, decision, 'capped', capped)
    tooLate.count(bounce)
    return decision
  })
  return { decisions, known }
}

/** Without a new request: there is nothing to add to the queue. `rule` is the one that bounced it. */
function alreadyBounced(policy: Policy, decision: Decision, rule: string): Decision {
  const { fallback: _fallback, reply: _reply, bounce: _bounce, ...rest } = decision
  const outcome = policy.rules.find(({ name }) => name === rule)?.outcome
  return { ...rest, action: 'bounce', deliver: outcome?.action === 'bounce' && outcome.deliver }
}

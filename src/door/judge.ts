// One mail through facts, rules, guards, window and queue, to a plan. Changes nothing; `carryOut` does.
// A fault of the store is thrown: the door answers with a temporary refusal.

import { addressKey } from '../mail/address'
import type { Envelope, MailFacts } from '../mail/facts'
import { peek } from '../mail/peek'
import { readFacts } from '../mail/read-facts'
import { mayConcern } from '../policy/concern'
import { decide } from '../policy/decide'
import type { Decision } from '../policy/decision'
import { fallBack } from '../policy/fallback'
import type { Policy } from '../policy/rule'
import { type Added, hasEnded } from '../queue/job'
import type { Ahead, WorkerQueue } from '../queue/store'
import type { InForce } from './in-force'
import { type Plan, planFor } from './plan'

export interface MailAtDoor {
  envelope: Envelope
  /** As in Haraka's `transaction.header_lines`. */
  headerLines: readonly string[]
  /** How many fields at its top are Haraka's own. */
  ownFields: number
  nowMs: number
  /** Of the clock that is never set. */
  nowMonoMs: number
}

/** The job of a decision for a bounce. */
export type Jobs = ReadonlyMap<Decision, Pick<Added, 'jobId' | 'outcome'>>

export interface Judgement {
  facts: MailFacts
  decisions: readonly Decision[]
  /** Jobs that the decisions' recipients have already. */
  known: Jobs
  plan: Plan
}

/** Calls take a little longer than their spacing, and what is admitted must not expire. */
const CALLS_TAKE = 1.01

/** Undefined: no rule can concern this mail, whatever its header says. */
export async function judge(
  mail: MailAtDoor,
  inForce: InForce,
  queue: () => WorkerQueue,
): Promise<Judgement | undefined> {
  const { policy, settings } = inForce
  if (!mayConcern(policy, { envelope: mail.envelope, ...peek(mail.headerLines, mail.ownFields) }))
    return undefined
  const facts = await readFacts({
    ...mail,
    receivesFor: policy.receivesFor,
    keepsRecipients: settings.relay.keepsRecipients,
  })
  const decided = decide(policy, facts, mail.nowMs)
  if (settings.main.mode === 'observe')
    return { facts, decisions: decided, known: new Map(), plan: { kind: 'pass' } }
  const { decisions, known } = askQueue(facts, decided, inForce, queue, mail)
  return { facts, decisions, known, plan: planFor(decisions) }
}

/** Recipients that the relay delivers again, and bounces that could not start in time. */
function askQueue(
  facts: MailFacts,
  decided: readonly Decision[],
  { policy, settings }: InForce,
  queue: () => WorkerQueue,
  mail: MailAtDoor,
): { decisions: Decision[]; known: Jobs } {
  const known = new Map<Decision, { jobId: string; outcome: 'known' }>()
  const { sesId } = facts.receipt ?? {}
  const wanted = sesId !== undefined && decided.some(decision => decision.wanted === 'bounce')
  const before = wanted ? queue().known(sesId) : undefined
  const decisions = decided.map(decision => {
    if (decision.wanted !== 'bounce') return decision
    const earlier = before?.get(addressKey(decision.recipient.address))
    if (earlier && !hasEnded(earlier.state)) {
      // its bounce is made or will be, also where a new one couldn't: the window may have closed meanwhile
      const taken = alreadyBounced(policy, decision)
      known.set(taken, { jobId: earlier.jobId, outcome: 'known' })
      return taken
    }
    const { bounce } = decision
    if (bounce === undefined) return decision
    if (earlier) {
      return fallBack(
        policy,
        decision,
        'ended',
        `its bounce has ${earlier.state} already, as job ${earlier.jobId}`,
      )
    }
    const ahead = queue().ahead(bounce.region, bounce.deadlineMs, mail.nowMonoMs)
    if (mail.nowMs + waitMs(settings, ahead, mail.nowMonoMs) > bounce.deadlineMs - settings.window.marginMs) {
      return fallBack(policy, decision, 'overload', 'the queue is too long for its deadline')
    }
    return decision
  })
  return { decisions, known }
}

/** How long until a call could start that has so much ahead of it. */
function waitMs({ limit }: InForce['settings'], { jobs, lastStartMonoMs }: Ahead, nowMonoMs: number): number {
  const spacingMs = (limit.intervalMs + limit.slackMs) * CALLS_TAKE
  return Math.max(0, lastStartMonoMs + spacingMs - nowMonoMs) + jobs * spacingMs
}

/** Without a new request: there is nothing to add to the queue. */
function alreadyBounced(
  policy: Policy,
  { fallback: _fallback, reply: _reply, bounce: _bounce, ...decision }: Decision,
): Decision {
  const outcome = policy.rules.find(({ name }) => name === decision.rule)?.outcome
  return { ...decision, action: 'bounce', deliver: outcome?.action === 'bounce' && outcome.deliver }
}

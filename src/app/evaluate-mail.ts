// Evaluates one mail: facts, rules, guards, window, queue, plan. Changes nothing; `commitPlan` carries the plan out.
// Throws a fault of the store, which the plugin answers with a temporary refusal.

import { errorMessage } from '../errors'
import { type Eventually, run, type Steps, wait } from '../eventually'
import { addressKey } from '../mail/address'
import type { Content } from '../mail/content'
import type { Envelope, EnvelopeRecipient, MailFacts } from '../mail/facts'
import { type FactsQuestion, readFacts, scanFacts } from '../mail/read-facts'
import { scanTraceHeaders, type TraceCandidates } from '../mail/scan-trace-headers'
import { decide } from '../policy/decide'
import type { BounceRequest, Decision } from '../policy/decision'
import type { CheapFacts } from '../policy/fields'
import { MatchBudget, type MatchBudgetOptions } from '../policy/match-budget'
import { mightMatchAnyRule } from '../policy/might-match'
import type { Policy } from '../policy/rule'
import { hasEnded, isRefused, type Submitted } from '../queue/job'
import type { WorkerQueue } from '../queue/store'
import type { EpochMs, MonoMs } from '../units'
import type { ActiveConfig } from './active-config'
import { logLine } from './log-line'
import { type Plan, planFor } from './plan'
import { refusedAsWhole } from './refused-mail'
import { fallBackFor, forecast, submit } from './submit'

export interface IncomingMail {
  envelope: Envelope
  /** The lines of Haraka's `transaction.header_lines`. */
  headerLines: readonly string[]
  /** Haraka kept only its beginning. */
  headerIsCut: boolean
  /** Number of fields at its top that Haraka wrote. */
  ownFields: number
  /** Haraka's [max] data_line_length. Undefined: its default. */
  lineLength?: number | undefined
  nowMs: EpochMs
  /** Monotonic milliseconds: setting the clock doesn't change them. */
  nowMonoMs: MonoMs
  /** Called if a rule needs the content, and at most once. */
  content(): Promise<Content>
  results: MailFacts['results']
  search: MatchBudgetOptions['search']
  /** Called with a mail that was passed over for what its header holds. The facts are read when they are asked for. */
  passedOver?: ((facts: MailFacts) => void) | undefined
  /** The recipients to decide about; undefined: all of them. */
  isAsked?: (recipient: EnvelopeRecipient) => boolean
}

/** The job of a decision for a bounce. */
export type Jobs = ReadonlyMap<Decision, { jobId: string; outcome: Submitted['outcome'] }>

export interface MailEvaluation {
  facts: MailFacts
  decisions: readonly Decision[]
  /** Jobs that the decisions' recipients have already. */
  known: Jobs
  plan: Plan
}

/** The facts of a mail and the policy's decisions about it, before the queue is asked. */
export interface PolicyEvaluation {
  facts: MailFacts
  decisions: readonly Decision[]
}

/** Undefined: no rule can hold for this mail. At once, where nothing has to be waited for. */
export function evaluateMail(
  mail: IncomingMail,
  activeConfig: ActiveConfig,
  queue: () => Eventually<WorkerQueue>,
): Eventually<MailEvaluation | undefined> {
  const cheap = new CheapMail(mail, activeConfig)
  if (!mightMatchAnyRule(activeConfig.policy, cheap)) {
    if (cheap.isHeaderAsked) mail.passedOver?.(cheap.facts)
    return undefined
  }
  return run(evaluateInSteps(mail, cheap.facts, activeConfig, queue))
}

function* evaluateInSteps(
  mail: IncomingMail,
  facts: MailFacts,
  activeConfig: ActiveConfig,
  queue: () => Eventually<WorkerQueue>,
): Steps<MailEvaluation> {
  const { decisions: decided } = yield* policyInSteps(mail, facts, activeConfig)
  if (activeConfig.settings.main.mode === 'observe')
    return { facts, decisions: decided, known: new Map(), plan: { kind: 'pass' } }
  const { decisions, known } = yield* queueInSteps(facts, decided, activeConfig, queue, mail)
  return { facts, decisions, known, plan: planFor(decisions) }
}

/** The policy's decisions alone. They are the same each time, as the queue isn't asked. */
export async function evaluatePolicy(
  mail: IncomingMail,
  activeConfig: ActiveConfig,
): Promise<PolicyEvaluation> {
  return run(policyInSteps(mail, scanFacts(questionOf(mail, activeConfig)), activeConfig))
}

/** Does the same as evaluatePolicy, but mailparser reads the header. */
export async function evaluatePolicyParsed(
  mail: IncomingMail,
  activeConfig: ActiveConfig,
): Promise<PolicyEvaluation> {
  return run(policyInSteps(mail, await readFacts(questionOf(mail, activeConfig)), activeConfig))
}

function* policyInSteps(
  { nowMs, search }: IncomingMail,
  facts: MailFacts,
  { policy }: ActiveConfig,
): Steps<PolicyEvaluation> {
  try {
    const decided = yield* wait(decide(policy, facts, nowMs, new MatchBudget({ search })))
    return { facts, decisions: refusedAsWhole(decided, policy.receivesFor) }
  } catch (error) {
    const reason = errorMessage(error)
    throw new Error(logLine({ ses_id: facts.receipt?.sesId, reason }), { cause: error })
  }
}

function questionOf(mail: IncomingMail, { policy, settings }: ActiveConfig): FactsQuestion {
  return {
    envelope: mail.envelope,
    headerLines: mail.headerLines,
    headerIsCut: mail.headerIsCut,
    ownFields: mail.ownFields,
    lineLength: mail.lineLength,
    nowMs: mail.nowMs,
    content: () => mail.content(),
    results: path => mail.results(path),
    isAsked: mail.isAsked,
    receivesFor: policy.receivesFor,
    isOfOwnOrganisation: policy.isOfOwnOrganisation,
    relayRecipients: settings.relay.recipients,
  }
}

/** The facts of a mail. Each part is read when a rule asks for it, as the envelope alone decides about most mail. */
export class CheapMail implements CheapFacts {
  readonly #mail: IncomingMail
  readonly #config: ActiveConfig
  #facts: MailFacts | undefined
  #trace: { found: TraceCandidates | undefined } | undefined

  constructor(mail: IncomingMail, activeConfig: ActiveConfig) {
    this.#mail = mail
    this.#config = activeConfig
  }

  get envelope(): Envelope {
    return this.#mail.envelope
  }

  get nowMs(): EpochMs {
    return this.#mail.nowMs
  }

  get isHeaderAsked(): boolean {
    return this.#facts !== undefined
  }

  get facts(): MailFacts {
    this.#facts ??= scanFacts(questionOf(this.#mail, this.#config))
    return this.#facts
  }

  readonly trace = (): TraceCandidates | undefined => {
    const { headerLines, ownFields, lineLength } = this.#mail
    this.#trace ??= { found: scanTraceHeaders(headerLines, ownFields, lineLength) }
    return this.#trace.found
  }
}

/** Finds recipients that the relay delivers again, and bounces that can't start in time or exceed a cap. */
export async function askQueue(
  facts: MailFacts,
  decided: readonly Decision[],
  activeConfig: ActiveConfig,
  queue: () => Eventually<WorkerQueue>,
  times: Pick<IncomingMail, 'nowMs' | 'nowMonoMs'>,
): Promise<Answered> {
  return run(queueInSteps(facts, decided, activeConfig, queue, times))
}

interface Answered {
  decisions: Decision[]
  known: Jobs
}

function* queueInSteps(
  facts: MailFacts,
  decided: readonly Decision[],
  { policy, settings }: ActiveConfig,
  queue: () => Eventually<WorkerQueue>,
  { nowMs, nowMonoMs }: Pick<IncomingMail, 'nowMs' | 'nowMonoMs'>,
): Steps<Answered> {
  const known = new Map<Decision, { jobId: string; outcome: 'known' }>()
  const { sesId } = facts.receipt ?? {}
  if (sesId === undefined) return { decisions: [...decided], known }
  const wanted = decided.filter(isBounce)
  const times = { nowMs, forecast: forecast(settings, nowMonoMs) }
  const requests = wanted.map(({ bounce }) => bounce)
  const opened = yield* wait(queue())
  const results =
    requests.length === 0 ? [] : yield* wait(submit(requests, opened, { ...times, dryRun: true }))
  const resultFor = new Map<Decision, Submitted>(
    results.flatMap((result, index) => {
      const decision = wanted[index]
      return decision ? [[decision, result]] : []
    }),
  )
  const before =
    wanted.length < decided.length ? (yield* wait(opened.look({ sesId, nowMs }))).known : undefined
  const decisions = decided.map(decision => {
    const result = resultFor.get(decision)
    if (result !== undefined && isRefused(result)) return fallBackFor(policy, decision, result)
    const earlier = result?.outcome === 'known' ? result : before?.get(addressKey(decision.recipient.address))
    const { jobId, state, rule } = earlier ?? {}
    if (jobId === undefined || rule === undefined || (state && hasEnded(state))) return decision
    // the sender has a bounce or will get one, even if the rules have changed
    const bounced = alreadyBounced(policy, decision, rule)
    known.set(bounced, { jobId, outcome: 'known' })
    return bounced
  })
  return { decisions, known }
}

function isBounce(decision: Decision): decision is Decision & { bounce: BounceRequest } {
  return decision.action === 'bounce' && decision.bounce !== undefined
}

/** A decision without a request, as the queue has the bounce already. `rule`: the rule that bounced it. */
function alreadyBounced(policy: Policy, decision: Decision, rule: string): Decision {
  const { fallback: _fallback, reply: _reply, bounce: _bounce, ...rest } = decision
  const outcome = policy.rules.find(({ name }) => name === rule)?.outcome
  // a mail that another plugin refuses this time is not delivered because of an earlier rule
  const deliver = outcome?.action === 'bounce' && outcome.deliver && decision.refusal === undefined
  return { ...rest, action: 'bounce', deliver }
}

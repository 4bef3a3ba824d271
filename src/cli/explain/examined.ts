// Runs a mail from a file through the plugin's own code: its facts, and the policy's decisions. Decides nothing itself.
// A temporary refusal of the plugin is a fault with its reason.

import type { ActiveConfig } from '../../app/active-config'
import { CheapMail, evaluatePolicy, type PolicyEvaluation } from '../../app/evaluate-mail'
import { errorMessage, type Result } from '../../errors'
import type { Content } from '../../mail/content'
import type { Envelope, EnvelopeRecipient } from '../../mail/facts'
import type { Decision } from '../../policy/decision'
import { MatchBudget } from '../../policy/match-budget'
import { mightMatchAnyRule } from '../../policy/might-match'
import { type RuleTrace, traceRules } from '../../policy/trace'
import type { EpochMs } from '../../units'
import type { WorkerThreads } from '../../worker-thread/worker-threads'
import type { Circumstances } from './assumed'
import { refusedAtOnce, withRefused } from './refused-at-once'
import type { WireMail } from './wire'

/** The results of other plugins, by path: `rspamd.score`. */
export type Results = ReadonlyMap<string, readonly (string | number)[]>

export interface ExaminedMail extends PolicyEvaluation {
  /** The decisions that the relay hears at MAIL or RCPT: their recipients are no part of the mail. */
  atOnce: ReadonlySet<Decision>
  nowMs: EpochMs
  /** No rule can hold for it, so the plugin passes it over without a log line. */
  isPassedOver: boolean
  /** Undefined: no rule has needed it. */
  content(): Content | undefined
}

/** Long, as an explanation isn't urgent. */
const TRACE_BUDGET_MS = 60_000

export async function examineMail(
  mail: Pick<WireMail, 'headerLines' | 'headerIsCut' | 'lineLength' | 'sizeBytes' | 'data'>,
  { sender, recipients, relay, nowMs, sizeBytes = mail.sizeBytes, refusals = [] }: Circumstances,
  results: Results,
  activeConfig: ActiveConfig,
  workerThreads: WorkerThreads,
): Promise<Result<ExaminedMail>> {
  let content: Content | undefined
  const envelope: Envelope = {
    sender,
    recipients: recipients.map((address, index) => {
      const own = (refusals.length === 1 ? refusals[0] : refusals[index]) ?? []
      return { address, notifyNever: false, ...(own.length > 0 && { refusals: own }) }
    }),
    relayIp: relay.ip,
    sizeBytes,
  }
  const refused = refusedAtOnce(envelope, activeConfig.policy)
  const incoming = {
    envelope,
    isAsked: (recipient: EnvelopeRecipient) => !refused.has(recipient),
    headerLines: mail.headerLines,
    headerIsCut: mail.headerIsCut,
    ownFields: 0,
    lineLength: mail.lineLength,
    nowMs,
    // only the queue uses it
    nowMonoMs: 0,
    content: async () => {
      content = await workerThreads.content(
        mail.data(),
        activeConfig.settings.content.limitBytes,
        activeConfig.policy.opensArchives,
      )
      return content
    },
    results: (path: string) => results.get(path) ?? [],
    search: workerThreads.search,
  }
  try {
    const evaluated = await evaluatePolicy(incoming, activeConfig)
    const isPassedOver = !mightMatchAnyRule(activeConfig.policy, new CheapMail(incoming, activeConfig))
    return { value: { ...withRefused(evaluated, refused), nowMs, isPassedOver, content: () => content } }
  } catch (error) {
    return { fault: reasonOf(error) }
  }
}

export interface Traced {
  traces: RuleTrace[]
  /** The reason why the rules below the deciding one are missing. */
  fault?: string
}

/** Checks every rule for every recipient. If that fails, only the rules that the decision needed. */
export async function traceMail(
  { facts, decisions, nowMs }: ExaminedMail,
  { policy }: ActiveConfig,
  workerThreads: WorkerThreads,
): Promise<Traced> {
  const budget = () => new MatchBudget({ search: workerThreads.search, budgetMs: TRACE_BUDGET_MS })
  try {
    return { traces: await traceRules(policy, facts, nowMs, budget()) }
  } catch (error) {
    const traces: RuleTrace[] = []
    for (const { recipient, rule } of decisions) {
      const end = policy.rules.findIndex(({ name }) => name === rule) + 1
      const asked = { ...policy, rules: policy.rules.slice(0, end || undefined) }
      traces.push(...(await traceRules(asked, facts, nowMs, budget(), [recipient])))
    }
    return { traces, fault: reasonOf(error) }
  }
}

/** The reason without the words that the log needs around it. */
function reasonOf(error: unknown): string {
  return errorMessage(error instanceof Error && error.cause instanceof Error ? error.cause : error)
}

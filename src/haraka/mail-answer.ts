// The answer to the relay about a mail, and the recipients that stay in its transaction.

import { deny, denysoft } from 'haraka-constants'
import type { ActiveConfig } from '../app/active-config'
import type { MailEvaluation } from '../app/evaluate-mail'
import { type CommitPlan, type Plan, replyText } from '../app/plan'
import type { Line } from '../app/report'
import type { Decision } from '../policy/decision'
import type { HeldRefusals } from './held-refusals'
import { type HookAnswer, TRY_LATER } from './hook-answer'
import { remainingTargets } from './incoming-mail'
import type { HarakaAddress, HarakaConnection, HarakaPlugin } from './types'

/** A fault of ours, which must never be seen. */
export const WOULD_BE_DELIVERED = 'a refused recipient would be delivered'

export function againLater(plugin: HarakaPlugin, connection: HarakaConnection, why: string): HookAnswer {
  plugin.lognotice(connection, `temporary refusal: a plugin has refused, and ${why}`)
  return { code: denysoft, text: TRY_LATER }
}

export function refusalAnswer(
  { temporary, reply }: Extract<Plan, { kind: 'refuse' }>,
  { decisions }: MailEvaluation,
  activeConfig: ActiveConfig,
  held?: HeldRefusals,
): HookAnswer {
  const [first] = decisions
  const isOwn = first !== undefined && saysRefusalItself(first, activeConfig) && !temporary
  const said = isOwn ? held?.replyOf(first.refusal) : undefined
  if (said) return { code: said.code, text: said.message }
  return { code: temporary ? denysoft : deny, text: replyText(reply) }
}

/** No rule is about the refusal, or one that rejects and has no words of its own. */
function saysRefusalItself({ rule: name, refusal, fallback }: Decision, { policy }: ActiveConfig): boolean {
  if (refusal === undefined || fallback !== undefined) return false
  const rule = policy.rules.find(one => one.name === name)
  return rule === undefined || 'isRefusalsOwn' in rule.outcome
}

/** The recipients that stay for the next queue plugin. `targets`: for each decision, its recipients in the transaction. */
export function withoutConsumed(
  rcptTo: readonly HarakaAddress[],
  { decisions }: MailEvaluation,
  { consumed }: CommitPlan,
  targets: readonly (readonly HarakaAddress[])[],
): HarakaAddress[] {
  // recipients that other plugins have added since then belong to these decisions too
  if (consumed.length === decisions.length) return []
  const isConsumed = new Set(consumed)
  const of = (wanted: boolean) =>
    decisions.flatMap((decision, at) => (isConsumed.has(decision) === wanted ? (targets[at] ?? []) : []))
  return remainingTargets(rcptTo, { consumed: of(true), others: of(false) })
}

export function logLines(plugin: HarakaPlugin, connection: HarakaConnection, lines: readonly Line[]): void {
  for (const { level, text } of lines) plugin[`log${level}`](connection, text)
}

// Carries out the decisions about a mail: bounces and kept mail are on disk when it resolves. Rejects if they can't be written.

import { ok } from 'haraka-constants'
import { commitPlan } from '../app/commit'
import { logLine } from '../app/log-line'
import { linesOf } from '../app/report'
import { forecast } from '../app/submit'
import { systemClock } from '../dispatch/clock'
import { type HookAnswer, NEXT_PLUGIN } from './hook-answer'
import { logLines, refusalAnswer, WOULD_BE_DELIVERED, withoutConsumed } from './mail-answer'
import type { Pending } from './mail-hooks'
import { pipeRaw } from './pipe-raw'
import type { PluginContext } from './plugin-context'
import type { HarakaConnection, HarakaPlugin, HarakaTransaction } from './types'

export async function carryOut(
  context: PluginContext,
  mail: { plugin: HarakaPlugin; connection: HarakaConnection; transaction: HarakaTransaction },
  waiting: Pending,
): Promise<HookAnswer> {
  const { runtime, refusals } = context
  const { plugin, connection, transaction } = mail
  const activeConfig = runtime.activeConfig()
  const { policy, settings } = activeConfig
  const { evaluation, added, quarantined } = await commitPlan(waiting.evaluation, waiting.plan, {
    store: runtime.mailStore,
    policy,
    settings,
    queue: () => runtime.queue(),
    uuid: transaction.uuid,
    nowMs: runtime.nowMs(),
    forecast: forecast(settings, systemClock.monoMs()),
    pipeRaw: to => pipeRaw(transaction.message_stream, to),
  })
  if (added.size > 0) context.wakeDispatcher()
  const jobs = new Map([...evaluation.known, ...added])
  runtime.counts.evaluated(evaluation, 'enforce', jobs)
  logLines(plugin, connection, linesOf(evaluation, jobs, 'enforce'))
  if (quarantined !== undefined) plugin.lognotice(connection, logLine({ quarantined }))
  const { plan } = evaluation
  const held = refusals.of(transaction)
  if (plan.kind === 'refuse') return refusalAnswer(plan, evaluation, runtime.activeConfig(), held)
  if (plan.kind === 'commit')
    transaction.rcpt_to = withoutConsumed(transaction.rcpt_to, evaluation, plan, waiting.targets)
  if (held && refusals.isLeft(transaction, held)) throw new Error(WOULD_BE_DELIVERED)
  return transaction.rcpt_to.length === 0 ? { code: ok, text: 'Message accepted by policy' } : NEXT_PLUGIN
}
